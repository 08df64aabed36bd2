-- Generated from data/contracts/F16.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    case_id,
    name,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    diag_group,
    risk_level,
    guardian_name,
    guardian_phone,
    guardian_status,
    is_reward_guard,
    followup_on,
    medication,
    is_in_hospital,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f16') }}
