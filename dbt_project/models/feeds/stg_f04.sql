-- Generated from data/contracts/F04.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f04') }}
    qualify row_number() over (
        partition by visit_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    visit_id,
    village_code,
    household_id,
    address,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    visitor_id,
    visit_at,
    visit_type,
    meet_result,
    need_tags,
    updated_at,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
