-- Generated from data/contracts/F13.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    archive_status,
    updated_on,
    contract_status,
    contract_combo,
    contract_group,
    contract_start_on,
    contract_end_on,
    last_service_on,
    checkup_on,
    women_screen_on,
    crc_status,
    chronic,
    bp_control,
    bg_control,
    last_followup_on,
    is_long_rx,
    is_dialysis,
    is_chemo,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f13') }}
