-- Of the rows that name a dwelling by its address only: what became of them, and why.
select
    feed,
    slot,
    method,
    reason,
    count(*) as rows_in_use,
    coalesce(count_if(dwelling_id is not null), 0)::bigint as rows_with_dwelling,
    coalesce(count_if(dwelling_id is null and village_code is not null), 0)::bigint as rows_with_village,
    coalesce(count_if(dwelling_id is null and village_code is null and stated_village_code is not null), 0)::bigint
        as rows_with_stated_village
from {{ source('identity', 'dwelling_link') }}
group by feed, slot, method, reason
