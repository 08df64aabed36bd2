-- What linkage suspects and does not do by itself; of two persons who may be one, each has a row.
select person_id, other_id, kind, confidence, "on" as since_on
from {{ source('identity', 'suspicion') }}
union all
select other_id, person_id, kind, confidence, "on"
from {{ source('identity', 'suspicion') }}
where other_id is not null
