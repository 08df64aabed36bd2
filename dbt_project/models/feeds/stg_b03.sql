-- Generated from data/contracts/B03.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    village_code,
    name,
    kind,
    town_code,
    town_name,
    form,
    is_rural,
    urban_class_code,
    grid_count,
    micro_grid_count,
    area_km2,
    merged_from,
    lon,
    lat,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'b03') }}
