-- place
-- What the last inspection says; the village, where its code is no longer one, by the address.
with told as (
    select
        *,
        row_number() over (
            partition by place_id order by inspected_at desc nulls last, inspection_id desc
        ) as turn
    from {{ ref('int_place__inspection') }}
)
select
    place_id,
    min(confidence) as confidence,
    count(distinct own_place_id)::integer as n_numbers,
    arg_min(place_name, turn) filter (where place_name is not null) as name,
    arg_min(place_kind, turn) filter (where place_kind is not null) as kind,
    arg_min(address, turn) filter (where address is not null) as address,
    arg_min(coalesce(known_village_code, address_village_code), turn)
        filter (where coalesce(known_village_code, address_village_code) is not null) as village_code,
    arg_min(case when known_village_code is not null then 'stated' else address_method end, turn)
        filter (where coalesce(known_village_code, address_village_code) is not null) as village_method,
    arg_min(dwelling_id, turn) filter (where dwelling_id is not null) as dwelling_id,
    arg_min(organisation_id, turn) filter (where organisation_id is not null) as organisation_id,
    max(inspected_at)::date as inspected_on,
    count(*)::integer as n_inspections
from told
group by place_id
