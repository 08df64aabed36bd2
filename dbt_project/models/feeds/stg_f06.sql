-- Generated from data/contracts/F06.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='view') }}

select
    case_id,
    head_name,
    head_id,
    n_family,
    n_covered,
    name,
    person_id,
    person_cert_masked,
    relation,
    item,
    status,
    start_on,
    end_on,
    review_due_on,
    amount_cny,
    cause,
    village_code,
    village_name,
    is_applicant,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from {{ source('lake', 'f06') }}
