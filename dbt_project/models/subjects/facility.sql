select f.facility_id, f.kind, f.name, f.lon, f.lat, v.village_code, f.capacity, f.status
from {{ ref('stg_b04') }} as f
left join {{ ref('stg_b03') }} as v on v.village_code = f.village_code
