-- Generated from data/contracts/F32.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    uscc,
    name,
    org_type,
    industry,
    established_on,
    cancelled_on,
    status,
    reg_address,
    biz_address,
    village_code,
    on_site,
    capital_wan_cny,
    lic_kind,
    lic_no,
    lic_valid_to_on,
    is_abnormal,
    is_illegal,
    penalty_on,
    employees,
    local_employees,
    scale,
    is_wage_arrears,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f32') }}
