{{ config(materialized='ephemeral') }}
-- Names that relief cases give; the case least by number speaks where they differ.
select person_id, name
from {{ ref('stg_f06') }}
where person_id is not null and name is not null
qualify row_number() over (partition by person_id order by case_id, _file, _line) = 1
