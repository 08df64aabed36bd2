-- Generated from data/contracts/F01.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f01') }}
    qualify row_number() over (
        partition by registration_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    registration_id,
    person_id,
    person_cert_masked,
    person_cert_kind,
    person_cert_birth_on,
    person_cert_sex_code,
    person_cert_was_15,
    person_digest,
    name,
    sex_code,
    birth_on,
    hukou_div_code,
    hukou_address,
    res_address,
    dwelling_id,
    reg_on,
    arrive_on,
    valid_to_on,
    permit_type_code,
    permit_type,
    permit_subtype,
    permit_valid_to_on,
    is_points_ok,
    reason,
    village_code,
    change_code,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
where change_code not in ('D')
