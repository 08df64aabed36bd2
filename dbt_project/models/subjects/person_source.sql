-- The columns are those of the registry; what the models made null (a village nobody knows, where the dead lived) has no
-- source either.
-- What the address of residence led to is known as the address is.
{% set by_address = {
    'res_dwelling_id': 'p.res_dwelling_method is not null', 'res_village_code': 'p.is_village_by_address',
} %}
{% set endings = ['_known_on', '_agreement', '_from_on', '_learnt_on'] %}
select
    p.person_id,
    i.known_from_on
    {%- for column in model.columns.values() if column.name not in ('person_id', 'known_from_on') %}
        {%- set named = column.name | replace('spouse_id', 'spouse_key') %}
        {%- set found = namespace(attribute=none) %}
        {%- for ending in endings if named.endswith(ending) %}{% set found.attribute = named[: -(ending | length)] %}{% endfor %}
        {%- if found.attribute is none %},
    p.{{ named }}_source as {{ column.name }}
        {%- else %},
    case
        when p.{{ found.attribute }}_source is null then null
            {%- if found.attribute in by_address %}
        when {{ by_address[found.attribute] }} then i.{{ named | replace(found.attribute, 'res_address') }}
            {%- endif %}
        else i.{{ named }}
    end as {{ column.name }}
        {%- endif %}
    {%- endfor %}
from {{ ref('int_person') }} as p
inner join {{ source('identity', 'person') }} as i on i.person_id = p.person_id
