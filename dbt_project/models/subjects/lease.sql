select
    l.lease_id,
    coalesce(a.dwelling_id, l.dwelling_id) as dwelling_id,
    case when a.dwelling_id is not null then a.method when l.dwelling_id is not null then 'code' end as dwelling_method,
    case
        when a.dwelling_id is not null then a.confidence
        when l.dwelling_id is not null then 1
    end::decimal(5, 4) as dwelling_confidence,
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
left join {{ addressed('F02', 'lease') }} as a on {{ same_row('a', 'l') }}
cross join {{ source('run', 'context') }} as c
