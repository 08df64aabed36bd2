-- Which dwelling a living person lives in and which one they are registered at, and how that is known. Where no number
-- of a dwelling is stated the address of residence may have led to one.
select
    p.person_id,
    h.dwelling_id,
    'res' as role,
    coalesce(p.res_dwelling_method, 'code') as method,
    coalesce(p.res_dwelling_confidence, 1)::decimal(5, 4) as confidence
from {{ ref('int_person') }} as p
inner join {{ ref('stg_b02') }} as h on h.dwelling_id = p.res_dwelling_id
where p.is_living
union all
select p.person_id, h.dwelling_id, 'hukou', 'code', 1::decimal(5, 4)
from {{ ref('int_person') }} as p
inner join {{ ref('stg_b02') }} as h on h.dwelling_id = p.hukou_dwelling_id
where p.is_living
