-- Generated from data/contracts/I08.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i08') }}
    qualify row_number() over (
        partition by person_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    person_id,
    balance,
    earned_year,
    redeemed_on,
    expire_on,
    expire_points,
    anomaly_score,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
