-- The case counts for the household its member lives in; the registers of cases and of people need not agree.
select
    r.case_id,
    p.household_id,
    r.person_id,
    r.item,
    r.status,
    r.start_on,
    r.end_on,
    r.review_due_on,
    r.amount_cny,
    r.cause,
    r.is_applicant,
    v.village_code,
    r.n_family
from {{ ref('stg_f06') }} as r
left join {{ ref('person') }} as p on p.person_id = r.person_id
left join {{ ref('stg_b03') }} as v on v.name = r.village_name
