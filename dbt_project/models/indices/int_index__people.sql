-- Indicators that count residents: who of an age has something on record. No record means no; where the source might not
-- know the person at all, such people are counted in n_unknown too, and a village of which it knows nobody has no
-- denominator, so that indicator_value calls it missing. That a source is not in use makes the indicator missing there.
{% set meta = model.config.get('meta', {}) %}
with school_year as (
    -- Children go to school from the September after their sixth birthday, not from the birthday.
    select make_date(year({{ index_date('F17') }}) - (month({{ index_date('F17') }}) < 9)::integer, 9, 1) as begun
),
resident as (
    select p.person_id, p.res_village_code as village_code, p.age, {{ age_on('p.birth_on', 's.begun') }} as school_age
    from {{ ref('person') }} as p
    cross join school_year as s
    where p.alive <> 'dead' and p.res_village_code is not null
),
pupil as (
    select person_id, bool_or(stage in ({{ index_words(meta.get('compulsory_stages')) }})) as is_compulsory
    from {{ resolved('f17') }}
    where person_id is not null
    group by person_id
),
learner as (
    select person_id, arg_max(value, (filled_at, row_id)) = '{{ meta.get('yes') }}' as is_learning
    from {{ resolved('i01') }}
    where person_id is not null and field = '{{ meta.get('elder_school_field') }}'
    group by person_id
),
patient as (
    select
        person_id,
        bool_or(contract_status = '{{ meta.get('contract_valid') }}'
            and coalesce(contract_end_on >= {{ index_date('F13') }}, true)) as has_contract,
        bool_or(checkup_on >= date_trunc('year', {{ index_date('F13') }})) as has_checkup,
        bool_or(list_has_any(chronic, ['hypertension', 'diabetes'])) as is_managed,
        bool_and(coalesce(bp_control, '') <> '{{ meta.get('not_controlled') }}'
            and coalesce(bg_control, '') <> '{{ meta.get('not_controlled') }}')
            and bool_or(bp_control is not null or bg_control is not null) as is_controlled
    from {{ resolved('f13') }}
    where person_id is not null and archive_status = '{{ meta.get('archive_valid') }}'
    group by person_id
),
vaccinated as (
    select person_id, bool_or(coalesce(status = '{{ meta.get('dose_open') }}' and due_on < {{ index_date('F14') }}, false)) as is_overdue
    from {{ resolved('f14') }}
    where person_id is not null
    group by person_id
),
volunteer as (
    select person_id, max(year_hours)::decimal(18, 6) as hours from {{ resolved('i06') }}
    where person_id is not null
    group by person_id
),
account as (
    select distinct person_id from {{ resolved('i09') }}
    where person_id is not null and kind = '{{ meta.get('resident_account') }}'
),
debater as (
    select distinct person_id from {{ resolved('i03') }}
    where person_id is not null and kind = '{{ meta.get('deliberation') }}' and action <> 'read'
        and {{ index_within('happened_at', 'window_days', 'I03') }}
),
message as (
    select r.village_code, count(*) as sent, count(m.replied_at) as replied
    from {{ resolved('i02') }} as m
    inner join resident as r on r.person_id = m.person_id
    where {{ index_within('m.sent_at', 'window_days', 'I02') }}
    group by r.village_code
),
counted as (
    select
        r.village_code,
        count_if(r.school_age between 6 and 14) as n_6_14,
        count_if(r.school_age between 6 and 14 and p.is_compulsory) as pupils,
        count_if(r.school_age between 6 and 14 and p.person_id is null) as not_in_school_register,
        count_if(r.age >= 60) as n_60,
        count_if(r.age >= 60 and l.is_learning) as learners,
        count_if(r.age >= 60 and l.person_id is null) as not_asked,
        count(*) as n,
        count_if(h.has_contract) as contracts,
        count_if(r.age >= 65) as n_65,
        count_if(r.age >= 65 and h.has_checkup) as checkups,
        count_if(h.is_managed) as managed,
        count_if(h.is_managed and h.is_controlled) as controlled,
        count_if(r.age < 7) as n_under_7,
        count_if(r.age < 7 and not coalesce(o.is_overdue, false)) as on_time,
        count_if(r.age < 7 and o.person_id is null) as not_vaccinated_here,
        count_if(r.age >= 18) as n_18,
        count_if(r.age >= 18 and v.person_id is not null) as volunteers,
        sum(v.hours) filter (r.age >= 18) as hours,
        count_if(r.age >= 16) as n_16,
        count_if(r.age >= 16 and a.person_id is not null) as accounts,
        count_if(r.age >= 18 and d.person_id is not null) as debaters,
        count_if(r.age is null) as n_age_unknown
    from resident as r
    left join pupil as p on p.person_id = r.person_id
    left join learner as l on l.person_id = r.person_id
    left join patient as h on h.person_id = r.person_id
    left join vaccinated as o on o.person_id = r.person_id
    left join volunteer as v on v.person_id = r.person_id
    left join account as a on a.person_id = r.person_id
    left join debater as d on d.person_id = r.person_id
    group by r.village_code
)
select
    village_code,
    unnest([
        {'indicator': 'EDU05', 'numerator': pupils::decimal(20, 9), 'denominator': if(not_in_school_register < n_6_14, n_6_14, 0), 'n_unknown': n_age_unknown + not_in_school_register},
        {'indicator': 'EDU08', 'numerator': learners, 'denominator': if(not_asked < n_60, n_60, 0), 'n_unknown': n_age_unknown + not_asked},
        {'indicator': 'HEA02', 'numerator': contracts, 'denominator': n, 'n_unknown': 0},
        {'indicator': 'HEA03', 'numerator': checkups, 'denominator': n_65, 'n_unknown': n_age_unknown},
        {'indicator': 'HEA04', 'numerator': controlled, 'denominator': managed, 'n_unknown': 0},
        {'indicator': 'HEA05', 'numerator': if(not_vaccinated_here < n_under_7, on_time, 0), 'denominator': if(not_vaccinated_here < n_under_7, n_under_7, 0), 'n_unknown': n_age_unknown + not_vaccinated_here},
        {'indicator': 'PAR01', 'numerator': volunteers, 'denominator': n_18, 'n_unknown': n_age_unknown},
        {'indicator': 'PAR02', 'numerator': coalesce(hours, 0), 'denominator': n_18, 'n_unknown': n_age_unknown},
        {'indicator': 'PAR03', 'numerator': accounts, 'denominator': n_16, 'n_unknown': n_age_unknown},
        {'indicator': 'PAR04', 'numerator': debaters, 'denominator': n_18, 'n_unknown': n_age_unknown}
    ], recursive := true)
from counted
union all
select village_code, 'PAR05', replied, sent, 0 from message
