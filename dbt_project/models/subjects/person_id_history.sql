-- What happened to persons' ids. A merged id leaves a redirect: `other_id` is the id that is no more.
select "on" as happened_on, event, person_id, other_id, via, confidence, feed
from {{ source('identity', 'history') }}
