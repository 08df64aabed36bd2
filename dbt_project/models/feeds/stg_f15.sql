-- Generated from data/contracts/F15.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f15') }}
    qualify row_number() over (
        partition by person_id, code_id, sample_at, risk_kind, risk_from_on, case when person_id is null then row(code_id, cert_kind, person_id, person_cert_masked, person_candidates, person_stated_birth_on, person_mask_key, name, phone, village_code, site, sample_at, tube_no, mix_n, report_at, result, channel, risk_kind, risk_from_on, risk_to_on, risk_place) end
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    code_id,
    cert_kind,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    name,
    phone,
    village_code,
    site,
    sample_at,
    tube_no,
    mix_n,
    report_at,
    result,
    channel,
    risk_kind,
    risk_from_on,
    risk_to_on,
    risk_place,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
