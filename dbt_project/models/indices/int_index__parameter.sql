{% set parameters = model.config.get('meta', {}).get('parameters') or [] %}
with declared as (
    {% for p in parameters -%}
    select '{{ p.name }}' as parameter, {{ p.value }}::integer as value, '{{ p.unit }}' as unit,
        date '{{ p.valid_from }}' as valid_from, '{{ p.legal }}' as legal
    {% if not loop.last %}union all{% endif %}
    {% else -%}
    select null::varchar as parameter, null::integer as value, null::varchar as unit, null::date as valid_from,
        null::varchar as legal
    where false
    {% endfor %}
)
select parameter, value, unit, valid_from, legal
from declared
where valid_from <= {{ as_of() }}
qualify row_number() over (partition by parameter order by valid_from desc) = 1
