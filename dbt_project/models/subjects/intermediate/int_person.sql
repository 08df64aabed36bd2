-- Everyone whom a feed of `identity` knows, once, with every attribute merged by the declared order of precedence
-- and the feed it came from beside it.
{% set known_by = var('person_precedence')[0].feeds %}
{% set feeds = var('person_precedence') | map(attribute='feeds') | sum(start=[]) | unique | list %}
with merged as (
    select
        coalesce({% for feed in known_by %}{{ feed }}.person_id{{ ', ' if not loop.last }}{% endfor %}) as person_id,
        {{ merged_columns() }}
    from {{ ref('int_person__' ~ known_by[0]) }} as {{ known_by[0] }}
    {%- for feed in known_by[1:] %}
    full join {{ ref('int_person__' ~ feed) }} as {{ feed }}
        on {{ feed }}.person_id = {% if loop.first %}{{ known_by[0] }}.person_id{% else %}coalesce({% for f in known_by[: loop.index] %}{{ f }}.person_id{{ ', ' if not loop.last }}{% endfor %}){% endif %}
    {%- endfor %}
    {%- for feed in feeds if feed not in known_by %}
    left join {{ ref('int_person__' ~ feed) }} as {{ feed }}
        on {{ feed }}.person_id = coalesce({% for f in known_by %}{{ f }}.person_id{{ ', ' if not loop.last }}{% endfor %})
    {%- endfor %}
)
select
    m.* exclude (
        alive, hukou_village_code, hukou_village_code_source,
        res_village_code, res_dwelling_id, res_address,
        res_village_code_source, res_dwelling_id_source, res_address_source
    ),
    coalesce(m.alive, 'unknown') as alive,
    -- A village that the register of villages does not know places nobody; the dead live nowhere.
    hukou.village_code as hukou_village_code,
    case when hukou.village_code is not null then m.hukou_village_code_source end as hukou_village_code_source,
    res.village_code as res_village_code,
    case when res.village_code is not null then m.res_village_code_source end as res_village_code_source,
    case when m.is_living then m.res_dwelling_id end as res_dwelling_id,
    case when m.is_living then m.res_dwelling_id_source end as res_dwelling_id_source,
    case when m.is_living then m.res_address end as res_address,
    case when m.is_living then m.res_address_source end as res_address_source,
    {{ age_on('m.birth_on', 'c.as_of') }}::integer as age
from (select *, coalesce(alive, 'unknown') <> 'dead' as is_living from merged) as m
cross join {{ source('run', 'context') }} as c
left join {{ ref('stg_b03') }} as res on res.village_code = m.res_village_code and m.is_living
left join {{ ref('stg_b03') }} as hukou on hukou.village_code = m.hukou_village_code
