-- Booleans are null where they are not true as far as is known but some member's relation is not known.
with judged as (
    select
        *,
        (n_minor_child > 0 and n_core = 1 and is_core_single)
        or (n_minor_grandchild > 0 and n_middle = 1 and is_middle_single)
        or (is_self_minor and n_parent = 1 and is_parent_single) as single_parent,
        (n_minor_grandchild > 0 and n_middle = 0 and has_old_core)
        or (is_self_minor and n_parent = 0 and has_old_grandparent) as skipped_generation,
        case when n_core > 0 then n_minor_child else 0 end
        + case when n_middle > 0 then n_minor_grandchild else 0 end
        + case when n_parent > 0 then n_minor_sibling + is_self_minor::integer else 0 end as children,
        case when n_middle = 0 then n_young_grandchild else 0 end
        + case when n_parent = 0 then n_young_self else 0 end as children_alone,
        {{ feed_available('F08') }} as knows_disability
    from {{ ref('int_household') }}
    where is_household
)
select
    household_id,
    dwelling_id,
    village_code,
    size,
    generations,
    head_id,
    is_head_present,
    n_0_2,
    n_3_5,
    n_6_14,
    n_16_59,
    n_60,
    n_80,
    n_under_16,
    n_minor,
    n_adult,
    case when is_related or n_minor = 0 then children end::integer as n_children,
    case when knows_disability then n_disabled end as n_disabled,
    case when single_parent or is_related or n_minor = 0 then coalesce(single_parent, false) end as is_single_parent,
    case when skipped_generation or is_related or n_minor = 0 then coalesce(skipped_generation, false) end
        as is_skipped_generation,
    case
        when not knows_disability then null
        when has_elder_with_disabled_child or is_related or n_60 = 0 or n_disabled = 0
            then has_elder_with_disabled_child
    end as has_elder_with_disabled_child,
    (100 * (n_under_16 + n_60) / nullif(n_16_59, 0))::decimal(10, 2) as dependency_pct,
    case
        when n_60 = 0 then false when n_60 = size then true
        when is_related then is_old_or_core and has_elder_core
    end as is_empty_nest,
    case when is_related or n_under_16 = 0 then children_alone end::integer as n_child_without_parent,
    f.n_employed,
    f.n_unemployed,
    f.n_job_unknown,
    f.n_party,
    f.n_military_family,
    f.honors,
    f.last_visit_on,
    f.n_missed_visits
from judged
left join {{ ref('int_household__fact') }} as f using (household_label)
