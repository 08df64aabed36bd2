-- Generated from data/contracts/F12.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f12') }}
    qualify row_number() over (
        partition by woman_id, event, due_on
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    woman_id,
    name,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    spouse_name,
    spouse_id,
    spouse_candidates,
    spouse_stated_birth_on,
    spouse_mask_key,
    marital_code,
    event,
    registered_on,
    lmp_on,
    due_on,
    birth_on,
    parity,
    child_name,
    child_sex_code,
    child_id,
    child_candidates,
    child_stated_birth_on,
    child_mask_key,
    book_status,
    postnatal_visits,
    aid_kind,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
