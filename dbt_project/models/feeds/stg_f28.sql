-- Generated from data/contracts/F28.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

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
from {{ source('lake', 'f28') }}
