-- Generated from data/contracts/F33.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f33') }}
    qualify row_number() over (
        partition by inspection_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    inspection_id,
    place_id,
    place_name,
    place_kind,
    address,
    village_code,
    uscc,
    inspected_at,
    hazard_id,
    hazard_kind,
    level,
    found_at,
    due_on,
    fixed_at,
    status,
    repeat_count,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
