-- former_id
-- Ids of organisations and places that mean another now. Those of persons are in person_id_history.
select 'organisation' as subject, code as former_id, organisation_id as subject_id, method, confidence
from {{ source('identity', 'organisation_code') }}
where code <> organisation_id
union all
select 'place', own, place_id, method, confidence
from {{ source('identity', 'place_link') }}
where own <> place_id
