-- Generated from data/contracts/F20.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    name,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    education,
    member_kind,
    membership,
    joined_on,
    confirmed_on,
    branch_name,
    branch_id,
    post,
    is_floating,
    is_lost,
    is_hardship,
    reported_village_code,
    reported_on,
    meeting_count,
    mobile,
    branch_village_code,
    founded_on,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f20') }}
