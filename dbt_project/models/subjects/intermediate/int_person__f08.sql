{{ config(materialized='ephemeral') }}
-- Names and sex that disability certificates give; the newest certificate speaks.
select person_id, name, sex_code
from {{ ref('stg_f08') }}
where person_id is not null
qualify row_number() over (partition by person_id order by issued_on desc nulls last, _file, _line) = 1
