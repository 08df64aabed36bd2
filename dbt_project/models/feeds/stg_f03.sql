-- Generated from data/contracts/F03.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    name_en,
    name,
    nationality_code,
    person_id,
    person_cert_masked,
    person_cert_kind,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    sex_code,
    birth_on,
    permit_kind,
    permit_valid_to_on,
    entry_on,
    checkin_on,
    checkout_on,
    address,
    dwelling_id,
    host,
    phone,
    stay_kind,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f03') }}
