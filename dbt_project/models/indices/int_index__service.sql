-- Safety and services by village: hazards, disputes, devices, hotline, visits, allowances, special needs, honours, teams
-- and how much of the ledgers fills itself.
{% set meta = model.config.get('meta', {}) %}
with hazard as (
    select *
    from {{ ref('stg_f33') }}
    where village_code is not null and hazard_id is not null
),
place as (
    select village_code, count(distinct place_id) as places
    from {{ ref('stg_f33') }}
    where village_code is not null
    group by village_code
),
orders as (
    select *
    from {{ ref('stg_f27') }}
    where village_code is not null and {{ index_within('accepted_at', 'window_days', 'F27') }}
),
span as (
    select greatest(1, least({{ index_parameter('window_days') }}, {{ index_date('F27') }} - min(accepted_at)::date + 1)) as days
    from orders
),
visited as (
    -- A visit names a person; which household that is, is known here.
    select distinct p.household_id
    from {{ resolved('f04') }} as f
    inner join {{ ref('person') }} as p on p.person_id = f.person_id
    where p.household_id is not null and {{ index_within('f.visit_at', 'window_days', 'F04') }}
),
allowed as (
    select distinct person_id
    from {{ resolved('f05') }}
    where item = '{{ meta.get('allowance') }}' and status = '{{ meta.get('receiving') }}'
),
honoured as (
    select distinct p.household_id
    from {{ resolved('f21') }} as m
    inner join {{ ref('person') }} as p on p.person_id = m.person_id
    where m.household_award is not null and p.household_id is not null
)
select 'SAF01' as indicator, village_code,
    count_if(coalesce(fixed_at::date <= due_on, false))::decimal(20, 9) as numerator,
    count(*)::decimal(20, 9) as denominator, 0::bigint as n_unknown
from hazard
where {{ index_within('due_on', 'window_days', 'F33') }}
group by village_code
union all
select 'SAF02', village_code, count_if(result = '{{ meta.get('settled') }}'), count(*), 0
from {{ ref('stg_f24') }}
where village_code is not null and {{ index_within('closed_at', 'window_days', 'F24') }}
group by village_code
union all
select 'SAF03', p.village_code,
    count(h.hazard_id) filter (h.level = '{{ meta.get('major') }}' and h.fixed_at is null), any_value(p.places), 0
from place as p
left join hazard as h on h.village_code = p.village_code
group by p.village_code
union all
select 'SAF04', village_code, count_if(is_online), count(is_online), count_if(is_online is null)
from {{ ref('stg_f25') }}
where village_code is not null and device_kind is not null
group by village_code
union all
select 'SAF05', h.village_code, count_if(d.has_smoke_alarm), count(d.has_smoke_alarm), count_if(d.has_smoke_alarm is null)
from {{ ref('household') }} as h
inner join {{ ref('person') }} as p on p.household_id = h.household_id and p.alive <> 'dead'
left join {{ ref('dwelling') }} as d on d.dwelling_id = h.dwelling_id
where h.size = 1 and h.village_code is not null and p.age >= {{ index_parameter('elder_age') }}
group by h.village_code
union all
select 'TRA04', v.village_code, count(o.order_id),
    ((any_value(v.n_household) * (select days from span))::decimal(20, 9) / {{ index_parameter('window_days') }})::decimal(20, 9), 0
from {{ ref('village') }} as v
left join orders as o on o.village_code = v.village_code and o.category14 = '{{ meta.get('parking_appeals') }}'
group by v.village_code
union all
select 'SER01', village_code, count_if(solved = '{{ meta.get('solved') }}'), count(*), 0
from orders
where closed_at is not null and solved in ({{ index_words(meta.get('judged')) }})
group by village_code
union all
select 'SER02', village_code, count_if(satisfaction in ({{ index_words(meta.get('satisfied')) }})), count(*), 0
from orders
where satisfaction in ({{ index_words(meta.get('rated')) }})
group by village_code
union all
select 'SER03', h.village_code, count(v.household_id), count(*), 0
from {{ ref('household') }} as h
left join visited as v on v.household_id = h.household_id
where h.village_code is not null
group by h.village_code
union all
select 'SER05', p.hukou_village_code, count(a.person_id), count(*), 0
from {{ ref('person') }} as p
left join allowed as a on a.person_id = p.person_id
where p.alive <> 'dead' and p.hukou_village_code is not null and p.age >= {{ index_parameter('allowance_age') }}
group by p.hukou_village_code
union all
select 'SER06', village_code,
    count_if(coalesce(closed_at - created_at <= to_hours({{ index_parameter('special_need_hours') }}), false)), count(*), 0
from {{ ref('stg_i11') }}
where village_code is not null and {{ index_within('created_at', 'window_days', 'I11') }}
group by village_code
union all
select 'CUL04', h.village_code, count(a.household_id), count(*), 0
from {{ ref('household') }} as h
left join honoured as a on a.household_id = h.household_id
where h.village_code is not null
group by h.village_code
union all
-- A team is a name with at least one member who has not left.
select 'CUL03', v.village_code, count(distinct t.team), any_value(v.n_res), 0
from {{ ref('village') }} as v
left join {{ ref('stg_f22') }} as t
    on t.village_code = v.village_code and t.kind = '{{ meta.get('team') }}'
    and coalesce(t.start_on <= {{ index_date('F22') }}, true) and coalesce(t.end_on >= {{ index_date('F22') }}, true)
group by v.village_code
union all
select 'SER04', village_code, count_if(filled_by = '{{ meta.get('filled_by_itself') }}'), count(filled_by),
    count_if(filled_by is null)
from {{ ref('stg_i01') }}
where village_code is not null and {{ index_within('filled_at', 'window_days', 'I01') }}
group by village_code
