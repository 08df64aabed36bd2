-- Registrations with whether they still run on the date of the run.
select
    r.*,
    coalesce(r.valid_to_on >= c.as_of, true) as is_open
from {{ resolved('f01') }} as r
cross join {{ source('run', 'context') }} as c
