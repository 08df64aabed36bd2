-- hazard
select
    i.hazard_id,
    i.place_id,
    i.inspection_id,
    i.hazard_kind as kind,
    i.level,
    i.found_at,
    i.due_on,
    i.fixed_at,
    i.status,
    i.repeat_count,
    i.inspected_at,
    coalesce(i.known_village_code, i.address_village_code) as village_code
from {{ ref('int_place__inspection') }} as i
where i.hazard_id is not null
-- A hazard looked at again keeps its number: the last word counts.
qualify row_number() over (
    partition by i.hazard_id order by i._business_on desc, i.inspected_at desc nulls last, i.inspection_id desc
) = 1
