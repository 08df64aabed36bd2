-- Intervals that are over, and those that were believed once. What holds now is in person and person_source.
{% set hidden = [] %}
{% if execute %}
    {%- for column in graph.nodes['model.' ~ project_name ~ '.person'].columns.values() if column.config.get('meta', {}).get('direct') %}
        {%- do hidden.append(column.name) %}
    {%- endfor %}
{% endif %}
select
    person_id,
    case attribute when 'spouse_key' then 'spouse_id' else attribute end as attribute,
    value,
    feed,
    valid_from_on,
    valid_to_on,
    known_from_on,
    known_to_on
from {{ source('identity', 'period') }}
where (valid_to_on is not null or known_to_on is not null)
    {%- if hidden %}
    and attribute not in ({% for name in hidden %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- endif %}
