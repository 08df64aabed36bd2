-- What other feeds say of a household's members, counted, and who visited it. Null where the feed is not in use; the
-- rules of what counts are in household_rules.
{% set rules = var('household_rules') %}
with member as (
    select household_label, dwelling_id, person_id, age from {{ ref('int_household__member') }}
),
job as (
    -- Of several rows the last counts; of one day's, the one that is work.
    select person_id, status in {{ among(rules.employed) }} as is_employed, status in {{ among(rules.unemployed) }} as is_unemployed
    from {{ resolved('f18') }}
    where person_id is not null and status is not null
    qualify row_number() over (
        partition by person_id order by status_on desc nulls last, status in {{ among(rules.employed) }} desc, _file, _line
    ) = 1
),
party as (
    select distinct person_id
    from {{ resolved('f20') }}
    where member_kind in {{ among(rules.party_members) }}
        and coalesce(membership, '') not in {{ among(rules.party_left) }}
),
military as (
    select distinct person_id from {{ resolved('f09') }} where kind in {{ among(rules.military_family) }}
),
honour as (
    select m.household_label, list(distinct h.household_award order by h.household_award) as honors
    from {{ resolved('f21') }} as h
    inner join member as m on m.person_id = h.person_id
    where h.household_award is not null
    group by m.household_label
),
alone as (
    select dwelling_id, any_value(household_label) as household_label
    from member
    group by dwelling_id
    having count(distinct household_label) = 1
),
visit as (
    -- Whom a visit was to: the person's household, else the only household of the dwelling its address means.
    select
        coalesce(m.household_label, a.household_label) as household_label,
        v.visit_at,
        v.visit_id,
        v.meet_result
    from {{ resolved('f04') }} as v
    left join member as m on m.person_id = v.person_id
    left join {{ addressed('F04', 'person') }} as l on {{ same_row('l', 'v') }}
    left join alone as a on a.dwelling_id = l.dwelling_id
    where v.visit_at is not null
),
visited as (
    select
        household_label,
        max(visit_at)::date as last_visit_on,
        coalesce(count_if(visit_at > coalesce(last_other_at, '-infinity'::timestamp)), 0)::integer as n_missed_visits
    from (
        select
            *,
            max(visit_at) filter (where meet_result not in {{ among(rules.visit_missed) }} or meet_result is null)
                over (partition by household_label) as last_other_at
        from visit
    )
    where household_label is not null
    group by household_label
),
counted as (
    select
        m.household_label,
        coalesce(count_if(j.is_employed), 0)::integer as n_employed,
        coalesce(count_if(j.is_unemployed), 0)::integer as n_unemployed,
        coalesce(count_if(m.age between 16 and 59 and j.person_id is null), 0)::integer as n_job_unknown,
        count(p.person_id)::integer as n_party,
        count(s.person_id)::integer as n_military_family
    from member as m
    left join job as j on j.person_id = m.person_id
    left join party as p on p.person_id = m.person_id
    left join military as s on s.person_id = m.person_id
    group by m.household_label
)
select
    c.household_label,
    case when {{ feed_available('F18') }} then c.n_employed end as n_employed,
    case when {{ feed_available('F18') }} then c.n_unemployed end as n_unemployed,
    case when {{ feed_available('F18') }} then c.n_job_unknown end as n_job_unknown,
    case when {{ feed_available('F20') }} then c.n_party end as n_party,
    case when {{ feed_available('F09') }} then c.n_military_family end as n_military_family,
    case when {{ feed_available('F21') }} then coalesce(h.honors, []::varchar[]) end as honors,
    v.last_visit_on,
    case when {{ feed_available('F04') }} then coalesce(v.n_missed_visits, 0) end as n_missed_visits
from counted as c
left join honour as h on h.household_label = c.household_label
left join visited as v on v.household_label = c.household_label
