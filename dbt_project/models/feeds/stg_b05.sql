-- Generated from data/contracts/B05.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    code_table,
    code,
    name,
    standard,
    valid_from,
    valid_to,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'b05') }}
