-- Generated from data/contracts/F10.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    assess_id,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    apply_on,
    assess_on,
    level,
    valid_to_on,
    service_kind,
    provider,
    service_start_on,
    service_end_on,
    disability_level,
    cognition,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f10') }}
