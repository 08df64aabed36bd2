select
    registration_id,
    person_id,
    reg_on,
    arrive_on,
    valid_to_on,
    permit_type,
    permit_subtype,
    permit_valid_to_on,
    is_points_ok,
    reason,
    dwelling_id,
    village_code,
    is_open
from {{ ref('int_residence_reg') }}
