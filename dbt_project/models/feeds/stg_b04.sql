-- Generated from data/contracts/B04.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    facility_id,
    kind,
    name,
    village_code,
    capacity,
    status,
    lon,
    lat,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'b04') }}
