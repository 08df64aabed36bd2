-- Generated from data/contracts/F28.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f28') }}
    qualify row_number() over (
        partition by point_id, month_on
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    point_id,
    kind,
    estate_name,
    village_code,
    month_on,
    wet_t,
    dry_t,
    recycle_t,
    hazard_kg,
    purity,
    score,
    checked_on,
    status,
    green_area_m2,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
