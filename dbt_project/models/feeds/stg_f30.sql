-- Generated from data/contracts/F30.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f30') }}
    qualify row_number() over (
        partition by right_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    right_id,
    unit_id,
    address,
    dwelling_id,
    owner_name,
    owner_id,
    owner_candidates,
    owner_stated_birth_on,
    owner_mask_key,
    right_kind,
    area_m2,
    land_use,
    registered_on,
    status,
    approved_area_m2,
    homestead_area_m2,
    homestead_count,
    transfer_status,
    rebuild_status,
    is_relocation_signed,
    demolition_status,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
