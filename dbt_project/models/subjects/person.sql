-- Kin booleans come from relations within the household; for someone who lives in no known dwelling, or whose relation
-- or the others' is not known, they are null.
with kin as (
    select
        m.person_id,
        case when h.is_household then h.household_id end as household_id,
        h.is_related,
        m.size,
        m.crowd,
        case m.class
            when 'self' then h.n_spouse > 0
            when 'spouse' then h.n_core > h.n_spouse
            else false
        end as has_spouse,
        case m.class
            when 'self' then h.n_parent > 0
            when 'sibling' then h.n_parent > 0
            when 'spouse' then h.n_parent_in_law > 0
            when 'child' then h.n_core > 0
            when 'grandchild' then h.n_middle > 0
            when 'parent' then h.n_grandparent > 0
            when 'great_grandchild' then h.n_grandchild > 0
            else false
        end as has_parent,
        case m.class
            when 'self' then h.n_adult_child > 0
            when 'spouse' then h.n_adult_child > 0
            when 'child' then h.n_adult_grandchild > 0
            when 'child_in_law' then h.n_adult_grandchild > 0
            when 'parent' then h.is_self_adult or h.n_adult_sibling > 0
            when 'parent_in_law' then h.n_core > 1
            when 'grandparent' then h.n_parent > 0
            else false
        end as has_adult_child,
        case m.class
            when 'self' then h.n_minor_child > 0
            when 'spouse' then h.n_minor_child > 0
            when 'child' then h.n_minor_grandchild > 0
            when 'child_in_law' then h.n_minor_grandchild > 0
            when 'parent' then h.is_self_minor or h.n_minor_sibling > 0
            else false
        end as has_minor_child
    from {{ ref('int_household__member') }} as m
    inner join {{ ref('int_household') }} as h on h.household_label = m.household_label
),
phone as (
    -- Only numbers that several people use need counting by household.
    select p.mobile, count(distinct coalesce(k.household_id, p.person_id)) as households
    from {{ ref('int_person') }} as p
    left join kin as k on k.person_id = p.person_id
    where p.is_living and p.mobile is not null
    group by p.mobile
    having count(*) > 1
),
doubt as (
    select person_id, list(distinct attribute order by attribute) as attributes
    from {{ ref('person_conflict') }}
    group by person_id
)
select
    p.person_id,
    p.known_by,
    -- A number that only other feeds know is a number of a kind they do not tell.
    coalesce(p.cert_kind, case p.known_by when 'feeds' then 'unknown' else 'none' end) as cert_kind,
    p.cert_masked,
    p.cert_was_15,
    p.birth_on = p.cert_birth_on as is_birth_as_cert,
    p.sex_code = p.cert_sex_code as is_sex_as_cert,
    p.name,
    p.sex_code,
    p.birth_on,
    p.age,
    p.nationality_code,
    p.pop_type_code,
    p.pop_subtype_code,
    p.marital_code,
    p.edu_code,
    p.occ_code,
    left(p.hukou_div_code, 2) as hukou_prov_code,
    p.hukou_div_code,
    p.hukou_village_code,
    p.hukou_kind,
    p.hukou_nature,
    p.hukou_no,
    p.rel_head_code,
    p.rel_main_code,
    p.res_village_code,
    p.res_dwelling_id,
    p.hukou_dwelling_id,
    p.stay_reason,
    p.arrive_on,
    p.entry_on,
    p.is_empty_hukou,
    p.is_separated,
    p.alive,
    p.death_on,
    p.mobile,
    p.mobile is not null as has_mobile,
    regexp_full_match(p.mobile, '{{ var('mobile_pattern') }}') as is_mobile_valid,
    case when p.mobile is not null then coalesce(phone.households, 1) end::integer as mobile_household_count,
    p.mobile_verified_on,
    p.verified_on,
    s.person_id as spouse_id,
    k.household_id,
    p.tenure,
    p.hukou_address,
    p.res_address,
    case
        when k.person_id is null then null
        when k.has_spouse then true
        when k.crowd = 1 then false
        when s.person_id is not null then coalesce(s.is_living and s.res_dwelling_id = p.res_dwelling_id, false)
        when p.spouse_key is not null then false
        when p.marital_code in ('10', '30', '40') then false
    end as is_spouse_in_dwelling,
    case when k.has_parent or k.is_related then k.has_parent end as is_parent_in_dwelling,
    case when k.has_adult_child or k.is_related then k.has_adult_child end as is_adult_child_in_dwelling,
    case when k.size > 1 then true when k.is_related then false end as is_relative_in_dwelling,
    case when k.has_minor_child or k.is_related then k.has_minor_child end as are_minor_children_in_dwelling,
    coalesce(doubt.attributes, []::varchar[]) as conflict_attributes
from {{ ref('int_person') }} as p
left join kin as k on k.person_id = p.person_id
left join {{ ref('int_person') }} as s on s.person_id = p.spouse_key
left join doubt on doubt.person_id = p.person_id
left join phone on phone.mobile = p.mobile
