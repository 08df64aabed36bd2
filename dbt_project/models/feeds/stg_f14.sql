-- Generated from data/contracts/F14.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f14') }}
    qualify row_number() over (
        partition by person_id, vaccine, dose_no, case when person_id is null then row(record_id, person_id, person_cert_masked, person_candidates, person_stated_birth_on, person_mask_key, guardian_id, name, birth_on, vaccine, dose_no, inoc_on, clinic, due_on, status) end
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    record_id,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    guardian_id,
    name,
    birth_on,
    vaccine,
    dose_no,
    inoc_on,
    clinic,
    due_on,
    status,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
