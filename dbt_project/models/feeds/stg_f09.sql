-- Generated from data/contracts/F09.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    name,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    sex_code,
    kind,
    benefit_kind,
    enlist_on,
    retire_on,
    merit,
    plaque_status,
    card_status,
    hardship,
    phone,
    hukou_address,
    res_address,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f09') }}
