-- Shares are decimals with nine places: a sum of decimals does not depend on the order of rows.
{% set meta = model.config.get('meta', {}) %}
{% set rules = meta.get('shares') or [] %}
with rule as (
    {{ index_rules(rules) }}
),
demand as (
    {{ index_demand(rules) }}
),
supply as (
    {{ index_supply(meta.get('open_status')) }}
),
pair as (
    select d.indicator, d.village_code, d.people, s.facility_id, s.capacity
    from demand as d
    inner join supply as s on s.indicator = d.indicator and s.square_x = d.square_x and s.square_y = d.square_y
    where (s.x_m - d.x_m) ** 2 + (s.y_m - d.y_m) ** 2 <= d.radius_m ** 2 and s.capacity is not null
),
local as (
    select indicator, village_code, facility_id, any_value(capacity) as capacity, sum(people) as people
    from pair
    group by indicator, village_code, facility_id
),
shared as (
    select
        indicator,
        village_code,
        (capacity::decimal(18, 9) * people / sum(people) over (partition by indicator, facility_id))::decimal(20, 9)
            as places
    from local
),
places as (
    select indicator, village_code, sum(places) as places from shared group by indicator, village_code
),
village as (
    select
        indicator,
        village_code,
        coalesce(sum(people) filter (x_m is not null), 0)::bigint as people,
        coalesce(sum(people) filter (x_m is null), 0)::bigint as n_unknown
    from demand
    group by indicator, village_code
)
select
    v.indicator,
    v.village_code,
    coalesce(p.places, 0)::decimal(20, 9) as numerator,
    v.people as denominator,
    v.n_unknown
from village as v
left join places as p on p.indicator = v.indicator and p.village_code = v.village_code
