-- Generated from data/contracts/I10.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i10') }}
    qualify row_number() over (
        partition by order_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    order_id,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    leader_id,
    village_code,
    amount_cny,
    ordered_at,
    is_complaint,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
