-- Shops and markets, each in the village the row states; else in the one its address leads to; else in that of the
-- nearest dwelling, if one is near.
{% set near_m = var('outlet_rules').near_m %}
{% set metres = 111320 %}
with point as (
    {{ to_wgs84(ref('stg_f19')) }}
),
told as (
    select p.*, coalesce(v.village_code, a.village_code) as found_code,
        case when v.village_code is not null then 'stated' when a.village_code is not null then a.method end as found_by
    from point as p
    left join {{ ref('stg_b03') }} as v on v.village_code = p.village_code
    left join {{ addressed('F19', 'outlet') }} as a on {{ same_row('a', 'p') }}
),
home as (
    select village_code, lon::double as lon, lat::double as lat
    from {{ ref('dwelling') }}
    where village_code is not null and lon is not null and lat is not null
),
near as (
    select
        t.outlet_id,
        t._file,
        t._line,
        arg_min(h.village_code, struct_pack(
            d := ((h.lon - t.lon_wgs84) * cos(radians(t.lat_wgs84))) ** 2 + (h.lat - t.lat_wgs84) ** 2,
            v := h.village_code
        )) as village_code
    from told as t
    inner join home as h
        on h.lon between t.lon_wgs84 - {{ near_m }} / ({{ metres }} * cos(radians(t.lat_wgs84)))
            and t.lon_wgs84 + {{ near_m }} / ({{ metres }} * cos(radians(t.lat_wgs84)))
        and h.lat between t.lat_wgs84 - {{ near_m }} / {{ metres }} and t.lat_wgs84 + {{ near_m }} / {{ metres }}
    where t.found_code is null
        and ((h.lon - t.lon_wgs84) * cos(radians(t.lat_wgs84))) ** 2 + (h.lat - t.lat_wgs84) ** 2
            <= ({{ near_m }} / {{ metres }}) ** 2
    group by t.outlet_id, t._file, t._line
)
select
    t.outlet_id,
    t.name,
    t.kind,
    t.status,
    coalesce(t.found_code, n.village_code) as village_code,
    case when t.found_code is not null then t.found_by when n.village_code is not null then 'near' end as village_method,
    t.area_m2::decimal(10, 2) as area_m2,
    t.stalls::integer as stalls,
    t.star::integer as star,
    t.has_value_counter,
    t.is_delivery_point,
    t.price_index::decimal(8, 2) as price_index,
    round(t.lon_wgs84, 6)::decimal(9, 6) as lon,
    round(t.lat_wgs84, 6)::decimal(9, 6) as lat
from told as t
left join near as n on n.outlet_id = t.outlet_id and n._file = t._file and n._line = t._line
