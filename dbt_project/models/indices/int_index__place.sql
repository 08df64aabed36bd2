-- A degree of longitude is shorter by the cosine of the latitude; one latitude for the whole district is right to 0.2 %.
{% set bands = model.config.get('meta', {}).get('bands') or {} %}
{% set metres = 111320 %}
with origin as (
    select min(lon) as lon, min(lat) as lat, avg(lat::double) as middle
    from {{ ref('dwelling') }}
),
people as (
    select
        res_village_code as village_code,
        res_dwelling_id as dwelling_id
        {%- for band, condition in bands.items() %},
        count(*){% if condition %} filter ({{ condition }}){% endif %} as {{ band }}
        {%- endfor %}
    from {{ ref('person') }}
    where alive <> 'dead' and res_village_code is not null
    group by res_village_code, res_dwelling_id
)
select
    row_number() over () as point,
    p.village_code,
    p.dwelling_id,
    v.kind = '居' as is_committee,
    (d.lon - o.lon)::double * {{ metres }} * cos(radians(o.middle)) as x_m,
    (d.lat - o.lat)::double * {{ metres }} as y_m
    {%- for band in bands %},
    p.{{ band }}
    {%- endfor %}
from people as p
inner join {{ ref('village') }} as v on v.village_code = p.village_code
left join {{ ref('dwelling') }} as d on d.dwelling_id = p.dwelling_id
cross join origin as o
