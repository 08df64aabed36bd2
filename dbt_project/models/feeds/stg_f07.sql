-- Generated from data/contracts/F07.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f07') }}
    qualify row_number() over (
        partition by person_id, event, event_on, case when person_id is null then row(event, name, person_id, person_cert_masked, person_candidates, person_stated_birth_on, person_mask_key, partner_name, partner_id, partner_candidates, partner_stated_birth_on, partner_mask_key, event_on, office, hukou_address, remark) end
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    event,
    name,
    person_id,
    person_cert_masked,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    partner_name,
    partner_id,
    partner_candidates,
    partner_stated_birth_on,
    partner_mask_key,
    event_on,
    office,
    hukou_address,
    remark,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
