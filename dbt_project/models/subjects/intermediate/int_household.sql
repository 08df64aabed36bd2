-- One row a household: counts, and what its members are to each other as far as relations say.
{% set adult = var('household_rules').adult_age %}
{% set old = var('household_rules').grandparent_age %}
{% set child = var('household_rules').child_age %}
{% set elder = var('household_rules').elder_age %}
with gaps as (
    select
        household_label,
        1 + coalesce(count_if(gap >= {{ var('household_rules').generation_gap }}), 0) as generations
    from (
        select
            household_label,
            lag(age) over (partition by household_label order by age desc, person_id) - age as gap
        from {{ ref('int_household__member') }}
        where size > 1
    )
    group by household_label
)
select
    m.household_label,
    'h' || m.household_label as household_id,
    -- Someone alone in a dormitory, a site hut or an institution lives in collective quarters and is no household.
    count(*) > 1 or not coalesce(
        any_value(m.tenure in ({% for tenure in var('household_rules').collective_tenures %}'{{ tenure }}'{{ ', ' if not loop.last }}{% endfor %})), false
    ) as is_household,
    any_value(m.dwelling_id) as dwelling_id,
    arg_min(m.person_id, m.head_rank) as head_id,
    arg_min(m.res_village_code, m.head_rank) as village_code,
    bool_or(m.head_class = 'self') as is_head_present,
    count(*)::integer as size,
    case
        when count(*) = 1 then 1
        when count(m.generation) = count(*) then count(distinct m.generation)
        when count(m.age) = count(*) then any_value(g.generations)
    end::integer as generations,
    coalesce(count_if(m.age between 0 and 2), 0)::integer as n_0_2,
    coalesce(count_if(m.age between 3 and 5), 0)::integer as n_3_5,
    coalesce(count_if(m.age between 6 and 14), 0)::integer as n_6_14,
    coalesce(count_if(m.age between 16 and 59), 0)::integer as n_16_59,
    coalesce(count_if(m.age >= 60), 0)::integer as n_60,
    coalesce(count_if(m.age >= 80), 0)::integer as n_80,
    coalesce(count_if(m.age < 16), 0)::integer as n_under_16,
    coalesce(count_if(m.age < {{ adult }}), 0)::integer as n_minor,
    coalesce(count_if(m.age >= {{ adult }}), 0)::integer as n_adult,
    coalesce(count_if(m.is_disabled), 0)::integer as n_disabled,
    bool_and(m.class is not null) and any_value(m.size) = count(*) as is_related,
    coalesce(count_if(m.class in ('self', 'spouse')), 0)::integer as n_core,
    coalesce(count_if(m.class = 'spouse'), 0)::integer as n_spouse,
    coalesce(count_if(m.class = 'child' and m.age < {{ adult }}), 0)::integer as n_minor_child,
    coalesce(count_if(m.class = 'child' and m.age >= {{ adult }}), 0)::integer as n_adult_child,
    coalesce(count_if(m.class in ('child', 'child_in_law') and m.age >= {{ adult }}), 0)::integer as n_middle,
    coalesce(count_if(m.class = 'grandchild'), 0)::integer as n_grandchild,
    coalesce(count_if(m.class = 'grandchild' and m.age < {{ adult }}), 0)::integer as n_minor_grandchild,
    coalesce(count_if(m.class = 'grandchild' and m.age >= {{ adult }}), 0)::integer as n_adult_grandchild,
    coalesce(count_if(m.class = 'parent'), 0)::integer as n_parent,
    coalesce(count_if(m.class = 'parent_in_law'), 0)::integer as n_parent_in_law,
    coalesce(count_if(m.class = 'grandparent'), 0)::integer as n_grandparent,
    coalesce(count_if(m.class = 'sibling' and m.age < {{ adult }}), 0)::integer as n_minor_sibling,
    coalesce(count_if(m.class = 'sibling' and m.age >= {{ adult }}), 0)::integer as n_adult_sibling,
    -- Children under 16 whose parents, seen from their place in the household, would be its middle, its core or above.
    coalesce(count_if(m.class = 'grandchild' and m.age < {{ child }}), 0)::integer as n_young_grandchild,
    coalesce(count_if(m.class in ('self', 'sibling') and m.age < {{ child }}), 0)::integer as n_young_self,
    -- Nobody but old people and the couple of the household, one of whom is old.
    bool_and(m.age >= {{ elder }} or m.class in ('self', 'spouse')) as is_old_or_core,
    coalesce(bool_or(m.class in ('self', 'spouse') and m.age >= {{ elder }}), false) as has_elder_core,
    coalesce(bool_or(m.class = 'self' and m.age < {{ adult }}), false) as is_self_minor,
    coalesce(bool_or(m.class = 'self' and m.age >= {{ adult }}), false) as is_self_adult,
    -- Whether the only parent present is single, widowed or divorced; null if the state is not known.
    bool_and(m.marital_code in ('10', '30', '40')) filter (where m.class in ('self', 'spouse')) as is_core_single,
    bool_and(m.marital_code in ('10', '30', '40'))
        filter (where m.class in ('child', 'child_in_law') and m.age >= {{ adult }}) as is_middle_single,
    bool_and(m.marital_code in ('10', '30', '40')) filter (where m.class = 'parent') as is_parent_single,
    coalesce(bool_or(m.class in ('self', 'spouse') and m.age >= {{ old }}), false) as has_old_core,
    coalesce(bool_or(m.class = 'grandparent' and m.age >= {{ old }}), false) as has_old_grandparent,
    coalesce(
        (bool_or(m.class in ('self', 'spouse') and m.age >= 60) and bool_or(m.class = 'child' and m.is_severe))
        or (bool_or(m.class = 'parent' and m.age >= 60) and bool_or(m.class in ('self', 'sibling') and m.is_severe)),
        false
    ) as has_elder_with_disabled_child
from (
    select
        *,
        {{ generation_of('class') }} as generation,
        -- The register's head, else the main resident, else the oldest; a row number makes the order strict.
        row_number() over (
            partition by household_label
            order by
                head_class = 'self' desc nulls last, main_class = 'self' desc nulls last,
                age >= {{ adult }} desc nulls last, birth_on nulls last, person_id
        ) as head_rank
    from {{ ref('int_household__member') }}
) as m
left join gaps as g on g.household_label = m.household_label
group by m.household_label
