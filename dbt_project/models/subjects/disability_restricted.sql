select
    person_id,
    kind_code = '{{ var('mental_disability').kind }}' as is_mental,
    kind_code,
    services
from {{ ref('int_disability') }}
