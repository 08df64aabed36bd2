-- Facilities (B04) and business outlets (F19) on the same plane as int_index__place. An outlet counts as one place; an
-- open outlet with a value-vegetable counter stands a second time under that name.
{% set meta = model.config.get('meta', {}) %}
{% set metres = 111320 %}
with origin as (
    select min(lon) as lon, min(lat) as lat, avg(lat::double) as middle
    from {{ ref('dwelling') }}
),
outlet as (
    {{ to_wgs84(ref('stg_f19')) }}
),
both_kinds as (
    select 'B04' as source, facility_id, kind, village_code, capacity, status, null::double as price_index,
        lon::double as lon, lat::double as lat
    from {{ ref('facility') }}
    union all
    select 'F19', outlet_id, kind, village_code, 1, status, price_index::double, lon_wgs84, lat_wgs84
    from outlet
    union all
    select 'F19', outlet_id, '{{ meta.get('value_counter') }}', village_code, 1, status, null, lon_wgs84, lat_wgs84
    from outlet
    where has_value_counter
)
select
    f.source,
    f.facility_id,
    f.kind,
    f.village_code,
    f.capacity,
    f.price_index,
    f.status in ('{{ (meta.get('open_statuses') or ['']) | join("', '") }}') as is_open,
    (f.lon - o.lon::double) * {{ metres }} * cos(radians(o.middle)) as x_m,
    (f.lat - o.lat::double) * {{ metres }} as y_m
from both_kinds as f
cross join origin as o
