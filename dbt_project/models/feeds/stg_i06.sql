-- Generated from data/contracts/I06.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i06') }}
    qualify row_number() over (
        partition by person_id, case when person_id is null then row(person_id, person_candidates, person_stated_birth_on, person_mask_key, registered_on, total_hours, year_hours, star, skill, last_service_on, is_captain) end
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    registered_on,
    total_hours,
    year_hours,
    star,
    skill,
    last_service_on,
    is_captain,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
