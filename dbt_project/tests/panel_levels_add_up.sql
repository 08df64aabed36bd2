{{ config(meta={'dagster': {'ref': {'name': 'int_dashboard_guan'}}}) }}
-- A returned row is a town that is not the sum of its villages, or the district that is not the sum of its towns.
with total as (
    select level, item_no, measure, case level when '村' then left(area_code, 9) else area_code end as town, value
    from {{ ref('int_dashboard_guan') }}
    where not is_ratio
),
by_level as (
    select
        item_no,
        measure,
        case when level = '区' then '' else town end as town,
        sum(value) filter (where level = '村') as villages,
        sum(value) filter (where level = '镇') as towns,
        null::decimal(38, 2) as district
    from total
    where level <> '区'
    group by all
    union all
    select item_no, measure, 'district', null, sum(value) filter (where level = '镇'), sum(value) filter (where level = '区')
    from total
    group by all
)
select *
from by_level
where case when town = 'district' then towns is distinct from district else villages is distinct from towns end
