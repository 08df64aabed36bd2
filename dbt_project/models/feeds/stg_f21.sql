-- Generated from data/contracts/F21.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    org,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    role,
    joined_on,
    is_hardship,
    award,
    household_award,
    unit,
    village_code,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f21') }}
