select
    person_id,
    kind_code = '{{ var('mental_disability').kind }}' as is_mental,
    services
from {{ ref('int_disability') }}
