-- Generated from data/contracts/I02.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i02') }}
    qualify row_number() over (
        partition by receipt_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    receipt_id,
    task_id,
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    sent_at,
    delivered_at,
    read_at,
    replied_at,
    reply,
    channel,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
