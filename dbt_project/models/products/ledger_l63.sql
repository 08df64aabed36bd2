-- One row a question. What the departments' values are is not told: the village finds out what is right.
select
    v.village_code,
    v.verification_id,
    {{ in_chinese('verification', 'v.kind') }} as item,
    p.name,
    sex.name as sex,
    strftime(p.birth_on, '%Y-%m') as birth_month,
    p.cert_masked,
    coalesce(v.address, p.res_address) as address,
    p.mobile,
    coalesce(regexp_replace({{ label_of('person', 'v.attribute') }}, '代码$', ''), {{ in_chinese('address_reason', 'v.reason') }}) as question,
    nullif(concat_ws(' ', other.name, other.cert_masked), '') as other_person,
    {{ in_chinese('ask', 'v.kind') }} as to_do,
    array_to_string(list_transform(v.feeds, lambda f: {{ feed_in_words('f') }}), '；') as kept_from,
    array_to_string(list_transform(v.other_feeds, lambda f: {{ feed_in_words('f') }}), '；') as other_from,
    v.since_on,
    {{ empty_columns() }}
from {{ ref('verification') }} as v
left join {{ ref('person') }} as p on p.person_id = v.person_id
left join {{ ref('person') }} as other on other.person_id = v.other_id
{{ code_join('sex', 'sex', 'p.sex_code') }}
