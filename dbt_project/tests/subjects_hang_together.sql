{{ config(meta={'dagster': {'ref': {'name': 'person'}}}) }}
-- A returned row is a broken promise between subjects, in words, with how often it is broken.
with promise as (
    select 'a person of a household that does not exist' as broken, count(*) as cases
    from {{ ref('person') }} as p
    left join {{ ref('household') }} as h on h.household_id = p.household_id
    where p.household_id is not null and h.household_id is null
    union all
    select 'a household whose head is not a member', count(*)
    from {{ ref('household') }} as h
    left join {{ ref('person') }} as p on p.person_id = h.head_id and p.household_id = h.household_id
    where p.person_id is null
    union all
    select 'a household whose size is not its members', count(*)
    from {{ ref('household') }} as h
    left join (select household_id, count(*) as n from {{ ref('person') }} group by household_id) as m
        on m.household_id = h.household_id
    where m.n is distinct from h.size
    union all
    select 'a household in two dwellings', count(*)
    from {{ ref('person') }} as p
    inner join {{ ref('household') }} as h on h.household_id = p.household_id
    where p.res_dwelling_id is distinct from h.dwelling_id
    union all
    select 'a living person with a dwelling outside collective quarters and no household', count(*)
    from {{ ref('person') }}
    where alive <> 'dead' and res_dwelling_id is not null and household_id is null
        and coalesce(tenure, '') not in ({% for tenure in var('household_rules').collective_tenures %}'{{ tenure }}'{{ ', ' if not loop.last }}{% endfor %})
    union all
    select 'a dead person who lives somewhere', count(*)
    from {{ ref('person') }}
    where alive = 'dead' and (res_village_code is not null or res_dwelling_id is not null or household_id is not null)
    union all
    select 'a person in a village that does not exist', count(*)
    from {{ ref('person_village') }} as pv
    left join {{ ref('village') }} as v on v.village_code = pv.village_code
    where v.village_code is null
    union all
    select 'residents of villages and people in villages differ', abs(sum(n))::bigint
    from (
        select sum(n_res) as n from {{ ref('village') }}
        union all
        select -count(*) from {{ ref('person_village') }} where role = 'res'
    )
    union all
    select 'a value without a source, or a source without a value', count(*)
    from {{ ref('person') }} as p
    inner join {{ ref('person_source') }} as s on s.person_id = p.person_id
    where (p.name is null) <> (s.name is null)
        or (p.birth_on is null) <> (s.birth_on is null)
        or (p.res_village_code is null) <> (s.res_village_code is null)
        or (p.hukou_village_code is null) <> (s.hukou_village_code is null)
        or (p.marital_code is null) <> (s.marital_code is null)
    union all
    select 'a lease, a place, a firm or a person in a dwelling that does not exist', count(*)
    from (
        select dwelling_id from {{ ref('lease') }} where dwelling_method <> 'code'
        union all
        select dwelling_id from {{ ref('place') }}
        union all
        select dwelling_id from {{ ref('organisation') }}
        union all
        select dwelling_id from {{ ref('person_dwelling') }}
    ) as l
    left join {{ ref('dwelling') }} as d on d.dwelling_id = l.dwelling_id
    where l.dwelling_id is not null and d.dwelling_id is null
    union all
    select 'a place of an organisation that does not exist', count(*)
    from {{ ref('place') }} as p
    left join {{ ref('organisation') }} as o on o.organisation_id = p.organisation_id
    where p.organisation_id is not null and o.organisation_id is null
    union all
    select 'a value of an organisation without its source, or a source without a value', count(*)
    from {{ ref('organisation') }}
    where (name is null) <> (name_source is null) or (status is null) <> (status_source is null)
        or (village_code is null) <> (village_code_source is null)
    union all
    select 'a mental disability that shows', count(*)
    from {{ ref('disability') }} as d
    inner join {{ ref('disability_restricted') }} as r on r.person_id = d.person_id
    where r.is_mental and d.kind_code is not null
    union all
    select 'a living person of a village, whom the village does not count in that role, or the other way round', count(*)
    from (
        select person_id, res_village_code as village_code, 'res' as role
        from {{ ref('person') }} where alive <> 'dead' and res_village_code is not null
        union all
        select person_id, hukou_village_code, 'hukou'
        from {{ ref('person') }} where alive <> 'dead' and hukou_village_code is not null
    ) as p
    full join {{ ref('person_village') }} as pv
        on pv.person_id = p.person_id and pv.village_code = p.village_code and pv.role = p.role
    where p.person_id is null or pv.person_id is null
    union all
    select 'a question of a village that does not exist, or about somebody who does not', count(*)
    from {{ ref('verification') }} as q
    left join {{ ref('village') }} as v on v.village_code = q.village_code
    left join {{ ref('person') }} as p on p.person_id = q.person_id
    where v.village_code is null or (q.person_id is not null and p.person_id is null)
    union all
    select 'a conflict about nobody, about no attribute, or of a feed with itself', count(*)
    from {{ ref('person_conflict') }} as c
    left join {{ ref('person') }} as p on p.person_id = c.person_id
    where p.person_id is null or c.kept_feed = c.other_feed or c.attribute not in {{ registered_columns('person') }}
)
select * from promise where cases > 0
