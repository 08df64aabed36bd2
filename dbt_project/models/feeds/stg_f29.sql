-- Generated from data/contracts/F29.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    estate_id,
    name,
    kind,
    village_code,
    households,
    built_year,
    property_co,
    fee_cny,
    committee_status,
    committee_term_end_on,
    elevators,
    elevators_added,
    fund_rate,
    score,
    chargers,
    parking,
    updated_on,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f29') }}
