-- Generated from data/contracts/F17.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    student_no,
    student_no_kind,
    name,
    person_id,
    person_cert_masked,
    sex_code,
    birth_on,
    stage,
    school,
    school_kind,
    school_district_code,
    grade,
    class_name,
    hukou_address,
    res_address,
    is_hukou_match,
    material_status,
    hardship_kind,
    aid_item,
    absent_days,
    guardian_name,
    guardian_phone,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f17') }}
