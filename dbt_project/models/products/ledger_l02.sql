-- One row a person and role. Of several registrations the open one made last speaks, of several leases of the
-- dwelling the open one that began last.
with registration as (
    select *
    from {{ ref('residence_reg') }}
    qualify row_number() over (
        partition by person_id order by is_open desc, reg_on desc nulls last, registration_id
    ) = 1
),
landlord as (
    select dwelling_id, landlord_name
    from {{ ref('lease') }}
    where is_open
    qualify row_number() over (partition by dwelling_id order by start_on desc nulls last, lease_id) = 1
)
select
    pv.village_code,
    pv.person_id,
    {{ in_chinese('role', 'pv.role') }} as role,
    p.name,
    sex.name as sex,
    strftime(p.birth_on, '%Y-%m') as birth_month,
    p.cert_masked,
    p.hukou_address,
    p.res_address,
    p.mobile,
    r.arrive_on,
    {{ in_chinese('stay_reason', 'r.reason') }} as reason,
    r.permit_type,
    r.permit_valid_to_on,
    l.landlord_name,
    {{ empty_columns() }}
from {{ ref('person_village') }} as pv
inner join {{ ref('person') }} as p on p.person_id = pv.person_id
inner join {{ source('tags', 'person_tags') }} as t on t.person_id = pv.person_id
left join registration as r on r.person_id = pv.person_id
left join landlord as l on l.dwelling_id = p.res_dwelling_id
{{ code_join('sex', 'sex', 'p.sex_code') }}
where {{ selected_by_tags('t') }}
