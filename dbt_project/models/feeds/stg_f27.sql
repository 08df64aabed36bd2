-- Generated from data/contracts/F27.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f27') }}
    qualify row_number() over (
        partition by order_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    order_id,
    accepted_at,
    source,
    address,
    order_type,
    handler,
    l1,
    l2,
    l3,
    l4,
    l5,
    category14,
    estate_id,
    property_co,
    town_name,
    village_code,
    contact_on,
    due_on,
    closed_at,
    solved,
    satisfaction,
    dissatisfaction,
    is_returned,
    urge_count,
    is_difficult,
    caller_hash,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
