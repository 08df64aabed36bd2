select b.code_table, b.code, b.name, b.standard
from {{ ref('stg_b05') }} as b
cross join {{ source('run', 'context') }} as c
where coalesce(b.valid_from <= c.as_of, true) and coalesce(b.valid_to >= c.as_of, true)
