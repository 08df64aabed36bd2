-- The newest certificate of each person, before the mental kind is withheld.
select
    f.* exclude (name),
    (f.valid_to_on is null or f.valid_to_on >= c.as_of) as is_valid,
    f.grade_code in ({% for grade in var('household_rules').severe_grades %}'{{ grade }}'{{ ', ' if not loop.last }}{% endfor %}) as is_severe
from {{ resolved('f08') }} as f
cross join {{ source('run', 'context') }} as c
where f.person_id is not null
qualify row_number() over (partition by f.person_id order by f.issued_on desc nulls last, f._file, f._line) = 1
