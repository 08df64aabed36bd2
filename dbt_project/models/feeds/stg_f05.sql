-- Generated from data/contracts/F05.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    service_id,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    item,
    item_code,
    status,
    start_on,
    end_on,
    provider,
    amount_cny,
    town_code,
    village_code,
    updated_at,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f05') }}
