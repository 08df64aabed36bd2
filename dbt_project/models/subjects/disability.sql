{% set withheld = var('mental_disability') %}
select
    person_id,
    person_cert_masked as cert_masked,
    case
        when kind_code not in ('{{ withheld.kind }}', '{{ withheld.among | join("', '") }}') then kind_code
    end as kind_code,
    grade_code,
    valid_to_on,
    is_employed,
    subsidies,
    list_filter(services, lambda s: s <> '{{ withheld.service }}') as services,
    issued_on
from {{ ref('int_disability') }}
