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
        -- Who states no village, or none that there is, lives in that of the dwelling their address leads to.
        coalesce(res.village_code, at_home.village_code) as res_village_code,
        case
            when res.village_code is not null then t.res_village_code_source
            when at_home.village_code is not null then t.res_address_source
        end as res_village_code_source,
        -- Where no dwelling of the base is stated the address may lead to one; then the feed of the address is its source.
        case when t.has_home then coalesce(home.dwelling_id, t.res_dwelling_id) end as res_dwelling_id,
        case
            when not t.has_home then null
            when home.dwelling_id is not null then t.res_address_source
            else t.res_dwelling_id_source
        end as res_dwelling_id_source,
        case when t.has_home then t.res_address end as res_address,
        case when t.has_home then t.res_address_source end as res_address_source
    ),
    res.village_code is null and at_home.village_code is not null as is_village_by_address,
    home.method as res_dwelling_method,
    home.confidence as res_dwelling_confidence,
    {{ age_on('t.birth_on', 'c.as_of') }}::integer as age
from placed as t
left join {{ ref('int_person__home') }} as home on home.person_id = t.person_id
cross join {{ source('run', 'context') }} as c
left join {{ ref('stg_b03') }} as res on res.village_code = t.res_village_code and t.has_home
left join {{ ref('stg_b03') }} as at_home on at_home.village_code = home.village_code
left join {{ ref('stg_b03') }} as hukou on hukou.village_code = t.hukou_village_code
