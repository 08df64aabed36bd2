-- Registrations in their last delivered state: of all changes of one number the last counts; a deletion ends it.
select
    r.*,
    r.permit_type_code as permit_code,
    (r.valid_to_on is null or r.valid_to_on >= c.as_of) as is_open
from {{ ref('stg_f01') }} as r
cross join {{ source('run', 'context') }} as c
qualify row_number() over (
    partition by r.registration_id order by r._business_on desc, r._delivery desc, r._file desc, r._line desc
) = 1 and r.change_code <> 'D'
