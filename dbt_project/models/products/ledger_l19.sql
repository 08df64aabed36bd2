-- One row a household, with the cases now paid to it joined in one cell.
with paid as (
    select
        r.household_id,
        array_to_string(list_sort(list(distinct r.item)), '、') as items,
        min(r.review_due_on) as review_due_on,
        sum(r.amount_cny)::decimal(14, 2) as amount_cny
    from {{ ref('relief') }} as r
    where r.household_id is not null and r.status = '在享'
    group by r.household_id
)
select
    h.village_code,
    h.household_id,
    head.name as head_name,
    d.std_address,
    h.size,
    r.items,
    r.amount_cny,
    r.review_due_on,
    h.n_disabled,
    {{ empty_columns() }}
from {{ ref('household') }} as h
inner join {{ source('tags', 'household_tags') }} as t on t.household_id = h.household_id
inner join {{ ref('person') }} as head on head.person_id = h.head_id
left join {{ ref('dwelling') }} as d on d.dwelling_id = h.dwelling_id
left join paid as r on r.household_id = h.household_id
where h.village_code is not null and {{ selected_by_tags('t') }}
