-- Generated from data/contracts/F25.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    kind,
    subject_id,
    person_id,
    person_digest,
    level,
    start_on,
    end_on,
    town_name,
    village_code,
    status,
    device_id,
    device_kind,
    estate_id,
    is_online,
    installed_on,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f25') }}
