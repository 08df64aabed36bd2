-- Which dwelling a living person lives in and which one they are registered at, and how that is known. Where no number
-- of a dwelling is stated the address of residence may lead to one.
with stated as (
    select p.person_id, h.dwelling_id, 'res' as role
    from {{ ref('int_person') }} as p
    inner join {{ ref('stg_b02') }} as h on h.dwelling_id = p.res_dwelling_id
    where p.is_living
    union all
    select p.person_id, h.dwelling_id, 'hukou'
    from {{ ref('int_person') }} as p
    inner join {{ ref('stg_b02') }} as h on h.dwelling_id = p.hukou_dwelling_id
    where p.is_living
),
by_address as (
    select
        p.person_id,
        min(a.dwelling_id) as dwelling_id,
        arg_max(a.method, a.confidence) as method,
        max(a.confidence) as confidence
    from {{ ref('int_person') }} as p
    inner join {{ source('identity', 'address_place') }} as a
        on a.address = p.res_address
        -- What another row says of the village is not this person's village.
        and coalesce(a.stated_village_code, p.res_village_code) is not distinct from p.res_village_code
    left join stated as s on s.person_id = p.person_id and s.role = 'res'
    where p.is_living and s.person_id is null and a.dwelling_id is not null
    group by p.person_id
    having count(distinct a.dwelling_id) = 1
)
select person_id, dwelling_id, role, 'code' as method, 1::decimal(5, 4) as confidence
from stated
union all
select person_id, dwelling_id, 'res', method, confidence
from by_address
