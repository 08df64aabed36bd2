-- A case counts for the household its member lives in; the register of cases knows families, not who lives together.
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
    r.village_code,
    r.n_family
from {{ resolved('f06') }} as r
left join {{ ref('person') }} as p on p.person_id = r.person_id
