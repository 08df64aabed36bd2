-- Shares are decimals with nine places: a sum of decimals does not depend on the order of rows. A rule with own_village
-- gives a facility that nobody reaches to the village it stands in; without it such a facility serves nobody.
{% set rules = model.config.get('meta', {}).get('shares') or [] %}
with rule as (
    {{ index_rules(rules) }}
),
demand as (
    {{ index_demand(rules) }}
),
supply as (
    {{ index_supply() }}
),
pair as (
    select d.indicator, d.village_code, d.people, s.facility_id, s.capacity
    from demand as d
    inner join supply as s on s.indicator = d.indicator and s.square_x = d.square_x and s.square_y = d.square_y
    where {{ index_near() }} and s.capacity is not null
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
    union all
    select s.indicator, s.village_code, s.capacity::decimal(20, 9)
    from (select distinct indicator, facility_id, village_code, capacity from supply) as s
    anti join local as l on l.indicator = s.indicator and l.facility_id = s.facility_id
    where s.indicator in ('{{ (rules | selectattr('own_village', 'defined') | map(attribute='indicator') | list or ['']) | join("', '") }}')
        and s.village_code is not null and s.capacity is not null
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
