-- Generated from data/contracts/I05.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i05') }}
    qualify row_number() over (
        partition by case_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    case_id,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    village_code,
    kind,
    applied_at,
    result,
    closed_at,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
