-- One row a person and role: who lives in two villages' care is on both villages' ledgers.
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
    edu.name as edu,
    pop.name as pop_type,
    relation.name as rel_head,
    marital.name as marital,
    {{ empty_columns() }}
from {{ ref('person_village') }} as pv
inner join {{ ref('person') }} as p on p.person_id = pv.person_id
{{ code_join('sex', 'sex', 'p.sex_code') }}
{{ code_join('edu', 'edu', 'p.edu_code') }}
{{ code_join('pop', 'pop_type', 'p.pop_type_code') }}
{{ code_join('relation', 'family_relation', 'p.rel_head_code') }}
{{ code_join('marital', 'marital', 'p.marital_code') }}
