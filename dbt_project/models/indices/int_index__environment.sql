-- Waste, water, appeals, air, toilets and sewage by village; `n` counts what was read: months of points, samples, days, cases.
{% set meta = model.config.get('meta', {}) %}
with waste as (
    select
        village_code,
        (coalesce(wet_t, 0) + coalesce(dry_t, 0) + coalesce(recycle_t, 0))::decimal(18, 6) as tonnes,
        purity::decimal(18, 6) as purity
    from {{ ref('stg_f28') }}
    where village_code is not null and kind in ({{ index_words(meta.get('waste_kinds')) }})
        and {{ index_month_within('month_on', 'F28') }}
),
toilet as (
    select village_code, score
    from {{ ref('stg_f28') }}
    where village_code is not null and kind in ({{ index_words(meta.get('toilet_kinds')) }})
        and {{ index_month_within('month_on', 'F28') }}
),
water as (
    -- One sample is one visit to a section; it passes if each of its metrics does.
    select village_code, point_id, measured_at::date as measured_on,
        bool_and(grade in ({{ index_words(meta.get('good_grades')) }})) as is_good
    from {{ ref('stg_f34') }}
    where village_code is not null and kind in ({{ index_words(meta.get('water_kinds')) }}) and grade is not null
        and {{ index_within('measured_at', 'window_days', 'F34') }}
    group by village_code, point_id, measured_at::date
),
sewage as (
    select village_code, value
    from {{ ref('stg_f34') }}
    where village_code is not null and kind in ({{ index_words(meta.get('sewage_kinds')) }}) and metric = 'working'
        and {{ index_within('measured_at', 'window_days', 'F34') }}
),
air as (
    select village_code as station_village, point_id, measured_at::date as measured_on,
        bool_and(value <= {{ index_parameter('good_air_aqi') }}) as is_good
    from {{ ref('stg_f34') }}
    where village_code is not null and kind in ({{ index_words(meta.get('air_kinds')) }}) and metric = 'AQI'
        and value is not null and {{ index_within('measured_at', 'window_days', 'F34') }}
    group by village_code, point_id, measured_at::date
),
nearest as (
    -- The station whose village's office is nearest to the village's own. One that moved counts where it stood.
    select v.village_code, arg_min({'id': s.point_id, 'village': s.station_village}, (s.away, s.point_id)) as station
    from {{ ref('village') }} as v
    cross join lateral (
        select p.point_id, p.station_village, ((p.lon - v.lon) * cos(radians(v.lat))) ** 2 + (p.lat - v.lat) ** 2 as away
        from (
            select distinct a.point_id, a.station_village, w.lon::double as lon, w.lat::double as lat
            from air as a
            inner join {{ ref('village') }} as w on w.village_code = a.station_village
        ) as p
    ) as s
    group by v.village_code
),
cases as (
    select village_code, status, is_overdue, closed_at, found_at
    from {{ ref('stg_f26') }}
    where village_code is not null and l2 in ({{ index_words(meta.get('environment_events')) }})
),
appeal as (
    select village_code, accepted_at as raised_at
    from {{ ref('stg_f27') }}
    where village_code is not null and category14 in ({{ index_words(meta.get('environment_appeals')) }})
        and {{ index_within('accepted_at', 'window_days', 'F27') }}
    union all
    select village_code, found_at from cases where {{ index_within('found_at', 'window_days', 'F26') }}
),
span as (
    -- How many days of the window the sources really cover: a young warehouse has no year of appeals yet. Appeals stay
    -- whole cases; it is the people that are counted for a part of a year.
    select greatest(
        1,
        least(
            {{ index_parameter('window_days') }},
            greatest({{ index_date('F26') }}, {{ index_date('F27') }}) - min(raised_at)::date + 1
        )
    ) as days
    from appeal
),
density as (
    select
        v.village_code,
        count(a.village_code) as cases,
        ((any_value(v.n_res) * (select days from span))::decimal(20, 9) / {{ index_parameter('window_days') }})::decimal(20, 9) as years
    from {{ ref('village') }} as v
    left join appeal as a on a.village_code = v.village_code
    group by v.village_code
)
-- A correction can leave a point's month below zero; such a point weighs nothing.
select
    'ENV01' as indicator,
    village_code,
    coalesce(sum(purity * tonnes) filter (purity is not null and tonnes > 0), 0)::decimal(20, 9) as numerator,
    coalesce(sum(tonnes) filter (purity is not null and tonnes > 0), 0)::decimal(20, 9) as denominator,
    count_if(purity is not null and tonnes > 0) as n,
    count_if(purity is null or tonnes <= 0) as n_unknown
from waste
group by village_code
union all
select 'ENV02', village_code, count_if(is_good), count(*), count(*), 0 from water group by village_code
union all
select 'ENV03', village_code, cases, years, years, 0 from density
union all
select 'ENV04', village_code, count_if(not is_overdue), count(is_overdue), count(is_overdue), count_if(is_overdue is null)
from cases
where {{ index_within('closed_at', 'window_days', 'F26') }}
group by village_code
union all
select 'ENV06', n.village_code, count_if(a.is_good), count(*), count(*), 0
from nearest as n
inner join air as a on a.point_id = n.station.id and a.station_village = n.station.village
group by n.village_code
union all
select 'ENV07', village_code, count_if(score >= {{ index_parameter('toilet_pass_score') }}), count(score), count(score), count_if(score is null)
from toilet
group by village_code
union all
select 'ENV08', village_code, count_if(value = 1), count(value), count(value), count_if(value is null) from sewage group by village_code
