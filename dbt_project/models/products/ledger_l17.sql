-- One row a person, in the village of residence; who lives outside the district is kept by the village of
-- registration, so that nobody falls between two villages. Kinds of disability that would give away the withheld one by
-- its absence stand together under one word.
{% set withheld = var('mental_disability') %}
select
    coalesce(p.res_village_code, p.hukou_village_code) as village_code,
    p.person_id,
    {{ in_chinese('role', "case when p.res_village_code is not null then 'res' else 'hukou' end") }} as role,
    p.name,
    sex.name as sex,
    strftime(p.birth_on, '%Y-%m') as birth_month,
    p.cert_masked,
    p.hukou_address,
    p.res_address,
    p.mobile,
    d.cert_masked as disability_cert_masked,
    coalesce(kind.name, '{{ withheld.word }}') as kind,
    grade.name as grade,
    d.valid_to_on,
    array_to_string(list_sort(d.subsidies), '、') as subsidies,
    {{ empty_columns() }}
from {{ ref('disability') }} as d
inner join {{ ref('person') }} as p on p.person_id = d.person_id
inner join {{ source('tags', 'person_tags') }} as t on t.person_id = d.person_id
{{ code_join('sex', 'sex', 'p.sex_code') }}
{{ code_join('kind', 'disability_kind', 'd.kind_code') }}
{{ code_join('grade', 'disability_grade', 'd.grade_code') }}
where p.alive <> 'dead'
    and coalesce(p.res_village_code, p.hukou_village_code) is not null
    and {{ selected_by_tags('t') }}
