-- Markets and businesses: prices and kinds within reach by person, outlets and firms by village.
{% set meta = model.config.get('meta', {}) %}
{% set rules = (meta.get('prices') or []) + (meta.get('varieties') or []) + (meta.get('remote') or []) %}
with rule as (
    {{ index_rules(rules) }}
),
demand as (
    {{ index_demand(rules) }}
),
supply as (
    {{ index_supply() }}
),
near as (
    select d.indicator, d.point, avg(s.price_index)::decimal(18, 6) as price, count(distinct s.kind) as kinds
    from demand as d
    inner join supply as s on s.indicator = d.indicator and s.square_x = d.square_x and s.square_y = d.square_y
    where {{ index_near() }}
    group by d.indicator, d.point
),
price as (
    select d.indicator, d.village_code, sum(d.people * n.price) as numerator, sum(d.people) as denominator
    from demand as d
    inner join near as n on n.indicator = d.indicator and n.point = d.point
    where n.price is not null
        and d.indicator in ({{ index_words((meta.get('prices') or []) | map(attribute='indicator') | list) }})
    group by d.indicator, d.village_code
),
variety as (
    select
        d.indicator,
        d.village_code,
        -- Shares of kinds, so that the value rests on people and not on people times kinds.
        (sum(d.people * coalesce(n.kinds, 0)) / any_value(k.kinds)::decimal(20, 9))::decimal(20, 9) as numerator,
        sum(d.people) as denominator
    from demand as d
    inner join (select indicator, count(distinct kind) as kinds from rule group by indicator) as k
        on k.indicator = d.indicator
    left join near as n on n.indicator = d.indicator and n.point = d.point
    where d.x_m is not null
        and d.indicator in ({{ index_words((meta.get('varieties') or []) | map(attribute='indicator') | list) }})
    group by d.indicator, d.village_code
),
served as (
    select distinct p.household_id
    from {{ resolved('i07') }} as v
    inner join {{ ref('person') }} as p on p.person_id = v.person_id
    where {{ index_within('v.served_at', 'vendor_days', 'I07') }}
),
remote as (
    -- Households with an elder whose home has no open market within reach.
    select distinct d.indicator, d.village_code, p.household_id
    from demand as d
    inner join {{ ref('int_index__place') }} as a on a.point = d.point
    inner join {{ ref('person') }} as p
        on p.res_dwelling_id = a.dwelling_id and p.res_village_code = a.village_code
    left join near as n on n.indicator = d.indicator and n.point = d.point
    where d.x_m is not null and n.point is null and p.alive <> 'dead' and p.household_id is not null
        and p.age >= {{ index_parameter('remote_elder_age') }}
        and d.indicator in ({{ index_words((meta.get('remote') or []) | map(attribute='indicator') | list) }})
),
firm as (
    select
        village_code,
        -- Firms that exist on paper only would swamp villages with parks: a firm counts if somebody works in it or
        -- somebody looked whether it is there.
        count_if(is_alive and (employees > 0 or on_site in ('true', 'false'))) as registered,
        count_if(is_alive and on_site = 'true') as on_site,
        count_if(is_alive and on_site = 'unknown' and coalesce(employees, 0) = 0) as unknown,
        count_if(
            is_alive and lic_kind in ({{ index_words(meta.get('food_licences')) }}) and lic_valid_to_on is not null
        ) as food,
        count_if(
            is_alive and lic_kind in ({{ index_words(meta.get('food_licences')) }}) and lic_valid_to_on is null
        ) as food_unknown,
        count_if(
            is_alive and lic_kind in ({{ index_words(meta.get('food_licences')) }})
            and lic_valid_to_on >= {{ index_date('F32') }}
            and not coalesce({{ index_within('penalty_on', 'penalty_days', 'F32') }}, false)
        ) as food_ok
    from (select *, status = '{{ meta.get('firm_alive') }}' as is_alive from {{ ref('stg_f32') }})
    where village_code is not null
    group by village_code
)
select indicator, village_code, numerator::decimal(20, 9) as numerator, denominator, 0 as n_unknown from price
union all
select indicator, village_code, numerator, denominator, 0 from variety
union all
select r.indicator, r.village_code, count_if(s.household_id is not null), count(*), 0
from remote as r
left join served as s on s.household_id = r.household_id
group by r.indicator, r.village_code
union all
select 'MKT06', v.village_code, count(f.facility_id), any_value(v.n_household), 0
from {{ ref('village') }} as v
left join {{ ref('int_index__facility') }} as f
    on f.village_code = v.village_code and f.source = 'F19' and f.is_open
    and f.kind in ({{ index_words(meta.get('parcel_kinds')) }})
group by v.village_code
union all
select 'MKT07', village_code, on_site, registered, unknown from firm
union all
select 'MKT08', village_code, food_ok, food, food_unknown from firm
