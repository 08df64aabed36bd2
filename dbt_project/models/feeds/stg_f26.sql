-- Generated from data/contracts/F26.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'f26') }}
    qualify row_number() over (
        partition by task_id
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    task_id,
    source,
    service_type,
    kind,
    l1,
    l2,
    l3,
    l4,
    town_name,
    village_code,
    x_m,
    y_m,
    address,
    status,
    dept,
    dept_code,
    emergency_level,
    found_at,
    accepted_at,
    filed_at,
    dispatched_at,
    solved_at,
    closed_at,
    is_overdue,
    is_sent_back,
    is_check_ok,
    is_joint,
    is_typical,
    component_kind,
    component_state,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
