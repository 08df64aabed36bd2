-- Who lives together as one household: for everyone alive with a dwelling, the member of the household whose
-- person_id is least. People of one dwelling belong together if they share a household register, are married to each
-- other, or are kin of the dwelling's one main resident. Without such a tie each is a household of one.
with resident as (
    select
        person_id,
        res_dwelling_id as dwelling_id,
        hukou_no,
        spouse_key,
        {{ relation_class('rel_main_code') }} as class
    from {{ ref('int_person') }}
    where is_living and res_dwelling_id is not null
),
tied as (
    select
        *,
        -- Everyone of one register gets the same label; who has no register starts alone.
        case
            when hukou_no is null then person_id
            else min(person_id) over (partition by dwelling_id, hukou_no)
        end as label,
        count_if(class = 'self') over (partition by dwelling_id) as main_count
    from resident
),
kin as (
    select dwelling_id, min(label) as label
    from tied
    where main_count = 1 and class <> 'none'
    group by dwelling_id
),
ties as (
    select distinct t.label as a, k.label as b
    from tied as t
    inner join kin as k on k.dwelling_id = t.dwelling_id
    where t.main_count = 1 and t.class <> 'none' and t.label <> k.label
    union
    select distinct t.label, s.label
    from tied as t
    inner join tied as s on s.person_id = t.spouse_key and s.dwelling_id = t.dwelling_id
    where t.label <> s.label
),
both_ways as (
    select a, b from ties
    union
    select b, a from ties
),
-- All labels that can be reached from a tied label; the least of them names the household.
reached as (
    with recursive walk(label, other) as (
        select a, b from both_ways
        union
        select w.label, e.b from walk as w inner join both_ways as e on e.a = w.other
    )
    select label, min(other) as least from walk group by label
)
select
    t.person_id,
    t.dwelling_id,
    least(t.label, coalesce(r.least, t.label)) as household_label
from tied as t
left join reached as r on r.label = t.label
