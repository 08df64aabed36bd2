-- Generated from data/contracts/F23.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    device_id,
    device_kind,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    dwelling_id,
    installed_on,
    status,
    last_alarm_at,
    alarm_kind,
    village_code,
    updated_on,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f23') }}
