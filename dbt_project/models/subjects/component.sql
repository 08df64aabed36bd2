-- component
-- Components of the grid's register, and the points of waste and sanitation, each as its register last had it.
select
    'c' || g.task_id as component_id,
    'F26' as feed,
    g.component_kind as kind,
    g.component_state as state,
    v.village_code
from {{ ref('stg_f26') }} as g
left join {{ ref('stg_b03') }} as v on v.village_code = g.village_code
where g.component_kind is not null
union all
select
    'p' || s.point_id,
    'F28',
    s.kind,
    s.status,
    v.village_code
from (
    select *
    from {{ ref('stg_f28') }}
    -- Every month brings all points there are: one that the latest delivery does not name is no more.
    where _business_on = (select max(_business_on) from {{ ref('stg_f28') }})
    qualify row_number() over (partition by point_id order by month_on desc, _business_on desc, _file, _line) = 1
) as s
left join {{ ref('stg_b03') }} as v on v.village_code = s.village_code
