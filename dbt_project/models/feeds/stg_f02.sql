-- Generated from data/contracts/F02.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    dwelling_id,
    lease_id,
    address,
    landlord_name,
    landlord_id,
    landlord_cert_masked,
    landlord_phone,
    is_filed,
    start_on,
    end_on,
    tenant_count,
    actual_count,
    area_m2,
    is_sublet,
    group_rent,
    is_three_in_one,
    checked_on,
    remedy,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f02') }}
