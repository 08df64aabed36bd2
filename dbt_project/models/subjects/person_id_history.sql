-- What happened to persons' ids. A merged id leaves a redirect: `other_id` is the id that is no more.
-- That some feeds name somebody tells an illness, a belief or a dispute: those are not told.
select
    "on" as happened_on,
    event,
    person_id,
    other_id,
    via,
    confidence,
    case when feed not in {{ among(var('untold_feeds')) }} then feed end as feed
from {{ source('identity', 'history') }}
