-- Generated from data/contracts/F08.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    person_id,
    person_cert_masked,
    person_cert_reissue,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    sex_code,
    birth_on,
    kind_code,
    grade_code,
    guardian_name,
    guardian_phone,
    hukou_address,
    res_address,
    issued_on,
    valid_to_on,
    is_employed,
    subsidies,
    services,
    village_code,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f08') }}
