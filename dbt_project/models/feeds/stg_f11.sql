-- Generated from data/contracts/F11.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    pension_kind,
    pension_status,
    medical_kind,
    medical_status,
    unemployment_status,
    injury_status,
    last_paid_ym,
    employer_id,
    benefit_start_on,
    benefit_stop_on,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f11') }}
