-- Measures of the panel at three levels. Every level is summed from villages, so that levels add up; ratios are made
-- of the level's own sums.
{% set panel = model.config.get('meta', {}).get('panel') or {'items': [], 'families': {}} %}
with area as (
    select
        case when grouping(village_code) = 0 then '村' when grouping(town_code) = 0 then '镇' else '区' end as level,
        case
            when grouping(village_code) = 0 then village_code
            when grouping(town_code) = 0 then town_code
            else left(min(town_code), 6)
        end as area_code,
        case
            when grouping(village_code) = 0 then any_value(name)
            when grouping(town_code) = 0 then any_value(town_name)
            else '{{ var('district_name') }}'
        end as area_name
        {%- for column in panel_columns(panel) %},
        sum({{ column }})::bigint as {{ column }}
        {%- endfor %}
    from {{ ref('int_dashboard_guan__village') }}
    group by grouping sets ((town_code, village_code), (town_code), ())
),
summed as (
    select
        level,
        area_code,
        area_name,
        unnest([
            {%- for sum in panel_sums(panel) %}
            {'item_no': {{ sum.item }}, 'measure': '{{ sum.name }}', 'value': {{ sum['columns'] | join(' + ') }}}
            {{- ',' if not loop.last }}
            {%- endfor %}
        ], recursive := true)
    from area
),
ratio as (
    {%- for ratio in panel_ratios(panel) %}
    select
        n.level,
        n.area_code,
        n.area_name,
        {{ ratio.item }} as item_no,
        '{{ ratio.name }}' as measure,
        round({{ ratio.declared.times }} * n.value::decimal(18, 4) / nullif(d.value, 0), {{ ratio.declared.digits }})
            ::decimal(18, 2) as value
    from summed as n
    inner join summed as d on d.level = n.level and d.area_code = n.area_code
    where n.measure = '{{ ratio.declared.ratio[0] }}' and d.measure = '{{ ratio.declared.ratio[1] }}'
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),
facility as (
    select
        case when grouping(v.village_code) = 0 then '村' when grouping(v.town_code) = 0 then '镇' else '区' end as level,
        case
            when grouping(v.village_code) = 0 then v.village_code
            when grouping(v.town_code) = 0 then v.town_code
            else left(min(v.town_code), 6)
        end as area_code,
        f.kind as measure,
        count(*) as value
    from {{ ref('facility') }} as f
    inner join {{ ref('village') }} as v on v.village_code = f.village_code
    where f.status = '在用'
    group by grouping sets ((f.kind, v.town_code, v.village_code), (f.kind, v.town_code), (f.kind))
)
select level, area_code, area_name, item_no, measure, value::decimal(18, 2) as value, false as is_ratio from summed
union all
select level, area_code, area_name, item_no, measure, value, true from ratio
union all
select f.level, f.area_code, a.area_name, i.item_no, f.measure, f.value::decimal(18, 2), false
from facility as f
inner join area as a on a.level = f.level and a.area_code = f.area_code
cross join (
    select unnest([
        {%- for item in panel['items'] if item.get('rows') == 'facility' %}{{ panel['items'].index(item) + 1 }}{{ ',' if not loop.last }}{% endfor -%}
    ]) as item_no
) as i
