-- Generated from data/contracts/F19.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    outlet_id,
    name,
    kind,
    address,
    town_name,
    village_code,
    area_m2,
    stalls,
    status,
    star,
    opening_hours,
    has_value_counter,
    price_index,
    is_delivery_point,
    lon,
    lat,
    coordinate_system,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f19') }}
