-- Who says otherwise. The values themselves stay in the run's own database: what a feed says of somebody is told
-- nobody whom that feed's data are not for.
select
    c.person_id,
    case c.attribute when 'spouse_key' then 'spouse_id' else c.attribute end as attribute,
    c.kept_feed,
    c.kept_known_on,
    c.other_feed,
    c.other_known_on
from {{ source('identity', 'conflict') }} as c
inner join {{ ref('int_person') }} as p on p.person_id = c.person_id
