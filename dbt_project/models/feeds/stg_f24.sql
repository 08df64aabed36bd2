-- Generated from data/contracts/F24.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f24') }}
    qualify row_number() over (
        partition by case_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    case_id,
    kind,
    accepted_at,
    village_code,
    applicant_name,
    applicant_id,
    applicant_candidates,
    applicant_stated_birth_on,
    applicant_mask_key,
    applicant_phone,
    respondent_name,
    respondent_id,
    respondent_candidates,
    respondent_stated_birth_on,
    respondent_mask_key,
    is_difficult,
    result,
    is_judicially_confirmed,
    closed_at,
    amount_cny,
    is_legal_aid,
    updated_at,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
