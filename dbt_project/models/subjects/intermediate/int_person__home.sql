-- The dwelling that the address of somebody's residence leads to, of the living whom the base knows and whose stated
-- dwelling, if any, is not one of the standard base. Two readings of one address that lead to two dwellings lead nowhere.
select
    p.person_id,
    min(a.dwelling_id) as dwelling_id,
    min(a.village_code) as village_code,
    arg_max(a.method, a.confidence) as method,
    max(a.confidence) as confidence
from {{ source('identity', 'person') }} as p
inner join {{ source('identity', 'address_place') }} as a
    on a.address = p.res_address
    -- What another row says of the village is not this person's village.
    and coalesce(a.stated_village_code, p.res_village_code) is not distinct from p.res_village_code
left join {{ ref('stg_b02') }} as h on h.dwelling_id = p.res_dwelling_id
where coalesce(p.alive, 'unknown') <> 'dead' and p.known_by = 'base'
    and h.dwelling_id is null and a.dwelling_id is not null
group by p.person_id
having count(distinct a.dwelling_id) = 1
