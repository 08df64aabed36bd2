-- Members of households with their relation to one person of it: to the dwelling's main resident where the household
-- has one, else to the register's head where it has one, else unknown.
with member as (
    select
        l.household_label,
        l.dwelling_id,
        p.person_id,
        p.age,
        p.birth_on,
        p.marital_code,
        p.tenure,
        p.res_village_code,
        p.spouse_key,
        {{ relation_class('p.rel_main_code') }} as main_class,
        {{ relation_class('p.rel_head_code') }} as head_class
    from {{ ref('int_household__label') }} as l
    inner join {{ ref('int_person') }} as p on p.person_id = l.person_id
),
basis as (
    select
        household_label,
        count(*)::integer as size,
        count_if(main_class = 'self') = 1 as by_main,
        count_if(head_class = 'self') = 1 as by_head
    from member
    group by household_label
),
crowd as (
    select dwelling_id, count(*)::integer as crowd from member group by dwelling_id
)
select
    m.*,
    b.size,
    w.crowd,
    case
        -- Someone apart from all others of the dwelling is alone as far as their relation is known.
        when b.size = 1 and (w.crowd = 1 or m.main_class is not null) then 'self'
        when b.size = 1 then null
        when b.by_main then m.main_class
        when b.by_head then m.head_class
    end as class,
    d.is_severe,
    d.is_valid as is_disabled
from member as m
inner join basis as b on b.household_label = m.household_label
inner join crowd as w on w.dwelling_id = m.dwelling_id
left join {{ ref('int_disability') }} as d on d.person_id = m.person_id and d.is_valid
