select
    person_id,
    {%- for group in var('person_precedence') %}
        {%- set last = loop.last %}
        {%- for column in group.columns if column not in ('cert_birth_on', 'cert_sex_code') %}
    {{ column }}_source as {{ 'spouse_id' if column == 'spouse_key' else column }}{{ ',' if not (last and loop.last) }}
        {%- endfor %}
    {%- endfor %}
from {{ ref('int_person') }}
