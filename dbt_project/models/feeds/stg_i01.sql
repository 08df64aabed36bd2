-- Generated from data/contracts/I01.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i01') }}
    qualify row_number() over (
        partition by row_id, field
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    ledger_id,
    row_id,
    village_code,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    field,
    value,
    filled_by,
    filled_at,
    is_confirmed,
    source,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
