-- Everyone whom some feed in use names, once, with what counts of them (pipelines/subjects/survivorship) and the feed it
-- came from beside it.
with told as (
    -- When a value was learnt and who agrees is in person_source.
    select
        p.person_id,
        p.known_by,
        columns(lambda c: c not in ('person_id', 'known_by', 'known_from_on')
            and not regexp_full_match(c, '.*_(known_on|agreement|from_on|learnt_on)')),
        coalesce(p.alive, 'unknown') <> 'dead' as is_living
    from {{ source('identity', 'person') }} as p
),
placed as (
    -- The dead live nowhere; nor does anybody whom the base does not know: a visit verifies a home, it makes none.
    select *, is_living and known_by = 'base' as has_home from told
)
select
    t.* exclude (has_home) replace (
        coalesce(t.alive, 'unknown') as alive,
        -- A village that the register of villages does not know places nobody.
        hukou.village_code as hukou_village_code,
        case when hukou.village_code is not null then t.hukou_village_code_source end as hukou_village_code_source,
        res.village_code as res_village_code,
        case when res.village_code is not null then t.res_village_code_source end as res_village_code_source,
        case when t.has_home then t.res_dwelling_id end as res_dwelling_id,
        case when t.has_home then t.res_dwelling_id_source end as res_dwelling_id_source,
        case when t.has_home then t.res_address end as res_address,
        case when t.has_home then t.res_address_source end as res_address_source
    ),
    {{ age_on('t.birth_on', 'c.as_of') }}::integer as age
from placed as t
cross join {{ source('run', 'context') }} as c
left join {{ ref('stg_b03') }} as res on res.village_code = t.res_village_code and t.has_home
left join {{ ref('stg_b03') }} as hukou on hukou.village_code = t.hukou_village_code
