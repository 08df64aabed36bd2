-- Generated from data/contracts/F31.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    coop_uscc,
    member_name,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    years_worked,
    share,
    dividend_cny,
    contract_area_mu,
    transfer_area_mu,
    is_inherited,
    contract_id,
    tenant,
    contract_end_on,
    rent_due_cny,
    rent_paid_cny,
    asset_id,
    asset_kind,
    asset_value_cny,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f31') }}
