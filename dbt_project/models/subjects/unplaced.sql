-- For each declared pointer of a feed: accepted rows in use, and whether the subject they name exists.
{% for place in var('placement') %}
    {%- set target = 'int_person' if place.target == 'person' else 'stg_b02' if place.target == 'dwelling' else 'stg_b03' %}
    {%- set key = place.target ~ ('_code' if place.target == 'village' else '_id') %}
select
    '{{ place.feed }}' as feed,
    '{{ place.target }}' as target,
    '{{ place.column }}' as via,
    count(*) as rows_in_use,
    coalesce(count_if(s.{{ place.column }} is not null and t.{{ key }} is not null), 0)::bigint as rows_placed,
    coalesce(count_if(s.{{ place.column }} is not null and t.{{ key }} is null), 0)::bigint as rows_unplaced,
    coalesce(count_if(s.{{ place.column }} is null), 0)::bigint as rows_silent
from {{ resolved(place.feed | lower) }} as s
left join (select distinct {{ key }} from {{ ref(target) }}) as t on t.{{ key }} = s.{{ place.column }}
{{ 'union all' if not loop.last }}
{%- endfor %}
