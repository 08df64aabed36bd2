{{ config(meta={'dagster': {'ref': {'name': 'person'}}}) }}
-- A returned row is a key that is missing or not unique, with its table. Every part of a key must be there but those in
-- `may_lack`.
{% set keys = {
    'person': ['person_id'], 'person_source': ['person_id'], 'household': ['household_id'],
    'dwelling': ['dwelling_id'], 'village': ['village_code'], 'residence_reg': ['registration_id'],
    'lease': ['lease_id'], 'facility': ['facility_id'], 'organisation': ['organisation_id'], 'place': ['place_id'],
    'hazard': ['hazard_id'], 'component': ['component_id'], 'estate': ['estate_id'], 'outlet': ['outlet_id'], 'disability': ['person_id'],
    'disability_restricted': ['person_id'],
    'code': ['code_table', 'code'], 'feed_status': ['feed'], 'unplaced': ['feed', 'target', 'via'],
    'address_status': ['feed', 'slot', 'method', 'reason'],
    'person_village': ['person_id', 'village_code', 'role'],
    'person_dwelling': ['person_id', 'role'],
    'person_conflict': ['person_id', 'attribute', 'other_feed'],
    'person_suspicion': ['person_id', 'kind', 'other_id'],
    'person_version': ['person_id', 'known_from_on'],
    'person_period': ['person_id', 'attribute', 'value', 'valid_from_on', 'valid_to_on', 'known_from_on', 'known_to_on'],
    'person_id_history': ['happened_on', 'event', 'person_id', 'other_id'],
    'verification': ['verification_id'],
} %}
{% set may_lack = {
    'address_status': ['method', 'reason'], 'person_suspicion': ['other_id'], 'person_id_history': ['other_id'],
    'person_period': ['value', 'valid_from_on', 'valid_to_on', 'known_to_on'],
} %}
{% for table, columns in keys.items() -%}
select
    '{{ table }}' as table_name,
    concat_ws(' ', {{ columns | join(', ') }}) as key_value,
    count(*) as rows_of_it
from {{ ref(table) }}
group by {{ columns | join(', ') }}
having count(*) > 1
    {%- for column in columns if column not in may_lack.get(table, []) %} or {{ column }} is null{% endfor %}
{{ 'union all' if not loop.last }}
{% endfor -%}
