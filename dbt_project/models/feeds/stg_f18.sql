-- Generated from data/contracts/F18.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    status,
    status_on,
    unemp_reg_on,
    hardship_kind,
    employer_id,
    industry,
    occ_class,
    training,
    service_item,
    is_flexible,
    gig_kind,
    subsidy,
    village_code,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f18') }}
