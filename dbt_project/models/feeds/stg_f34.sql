-- Generated from data/contracts/F34.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f34') }}
    qualify row_number() over (
        partition by point_id, metric, measured_at
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    point_id,
    name,
    kind,
    village_code,
    metric,
    value,
    value_text,
    grade,
    measured_at,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
