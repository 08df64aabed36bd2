{{ config(meta={'dagster': {'ref': {'name': 'person'}}}) }}
-- A returned row is a key that is missing or not unique, with its table.
{% set keys = {
    'person': 'person_id', 'person_source': 'person_id', 'household': 'household_id', 'dwelling': 'dwelling_id',
    'village': 'village_code', 'residence_reg': 'registration_id', 'lease': 'lease_id', 'facility': 'facility_id',
    'organisation': 'organisation_id', 'place': 'place_id', 'hazard': 'hazard_id', 'component': 'component_id',
    'estate': 'estate_id', 'disability': 'person_id', 'disability_restricted': 'person_id',
} %}
{% for table, key in keys.items() -%}
select '{{ table }}' as table_name, {{ key }} as key_value, count(*) as rows_of_it
from {{ ref(table) }}
group by {{ key }}
having {{ key }} is null or count(*) > 1
union all
{% endfor -%}
select 'person_village', person_id || ' ' || village_code || ' ' || role, count(*)
from {{ ref('person_village') }}
group by person_id, village_code, role
having count(*) > 1
union all
select 'person_dwelling', person_id || ' ' || role, count(*)
from {{ ref('person_dwelling') }}
group by person_id, role
having count(*) > 1
union all
select 'code', code_table || ' ' || code, count(*)
from {{ ref('code') }}
group by code_table, code
having count(*) > 1
