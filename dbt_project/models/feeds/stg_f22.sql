-- Generated from data/contracts/F22.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    name,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    kind,
    venue_id,
    start_on,
    end_on,
    last_used_on,
    team,
    village_code,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f22') }}
