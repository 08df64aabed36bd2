-- Generated from data/contracts/I08.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i08') }}
    qualify row_number() over (
        partition by person_id, case when person_id is null then row(person_id, person_candidates, person_stated_birth_on, person_mask_key, balance, earned_year, redeemed_on, expire_on, expire_points, anomaly_score) end
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
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
