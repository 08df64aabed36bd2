-- Generated from data/contracts/I11.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i11') }}
    qualify row_number() over (
        partition by need_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    need_id,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    village_code,
    kind,
    created_at,
    closed_at,
    status,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
