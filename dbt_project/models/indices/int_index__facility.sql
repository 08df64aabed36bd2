-- Facilities on the same plane as int_index__place.
{% set metres = 111320 %}
with origin as (
    select min(lon) as lon, min(lat) as lat, avg(lat::double) as middle
    from {{ ref('dwelling') }}
)
select
    f.facility_id,
    f.kind,
    f.village_code,
    f.capacity,
    f.status,
    (f.lon - o.lon)::double * {{ metres }} * cos(radians(o.middle)) as x_m,
    (f.lat - o.lat)::double * {{ metres }} as y_m
from {{ ref('facility') }} as f
cross join origin as o
