-- Inspections with the place they mean, several numbers of one place brought together.
select
    p.place_id,
    p.method,
    p.confidence,
    p.own as own_place_id,
    i.* exclude (place_id),
    v.village_code as known_village_code,
    a.village_code as address_village_code,
    a.method as address_method,
    a.dwelling_id,
    l.organisation_id
from {{ ref('stg_f33') }} as i
inner join {{ source('identity', 'place_link') }} as p on p.own = i.place_id
left join {{ ref('stg_b03') }} as v on v.village_code = i.village_code
left join {{ addressed('F33', 'place') }} as a on {{ same_row('a', 'i') }}
left join {{ organised('F33', 'place') }} as l on {{ same_row('l', 'i') }}
