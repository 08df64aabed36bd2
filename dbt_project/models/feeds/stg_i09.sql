-- Generated from data/contracts/I09.yaml by pipelines.feeds.staging. Change the contract, not this file.
{{ config(materialized='table') }}

with last_word as (
    select *
    from {{ source('lake', 'i09') }}
    qualify row_number() over (
        partition by person_id, case when person_id is null then row(person_id, person_candidates, person_stated_birth_on, person_mask_key, kind, is_real_name, registered_on, last_login_on, login_days_30, is_large_font, proxy_count, role) end
        order by _business_on desc, _delivery desc, _file desc, _line desc
    ) = 1
)
select
    person_id,
    person_candidates,
    person_stated_birth_on,
    person_mask_key,
    kind,
    is_real_name,
    registered_on,
    last_login_on,
    login_days_30,
    is_large_font,
    proxy_count,
    role,
    _line,
    _file,
    _dq,
    _business_on,
    _delivery
from last_word
