select
    l.lease_id,
    l.dwelling_id,
    l.landlord_id,
    l.landlord_name,
    l.is_filed,
    l.start_on,
    l.end_on,
    l.tenant_count,
    l.actual_count,
    l.area_m2,
    l.is_sublet,
    l.group_rent,
    l.is_three_in_one,
    l.checked_on,
    coalesce(l.start_on <= c.as_of, true) and coalesce(l.end_on >= c.as_of, true) as is_open
from {{ ref('stg_f02') }} as l
cross join {{ source('run', 'context') }} as c
