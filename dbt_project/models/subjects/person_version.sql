-- Columns as the registry names them; the row in force is `person`.
select
    {%- for column in model.columns.values() %}
    {{ 'spouse_key as spouse_id' if column.name == 'spouse_id' else column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ source('identity', 'person_version') }}
where known_to_on is not null
