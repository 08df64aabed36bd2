-- Generated from data/contracts/I13.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i13') }}
    qualify row_number() over (
        partition by code_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    code_id,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    batch_id,
    printed_at,
    printed_by,
    is_paper_needed,
    is_home_visit,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
