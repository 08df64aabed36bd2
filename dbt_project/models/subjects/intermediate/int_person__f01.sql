{{ config(materialized='ephemeral') }}
-- What the registration of people from elsewhere says of each person: the registration made last, open ones first.
select
    person_id,
    person_cert_kind as cert_kind,
    person_cert_masked as cert_masked,
    person_cert_was_15 as cert_was_15,
    person_cert_birth_on as cert_birth_on,
    person_cert_sex_code as cert_sex_code,
    name,
    sex_code,
    birth_on,
    case when person_cert_kind = 'idcard' then 'CHN' end as nationality_code,
    '02' as pop_type_code,
    nullif(permit_type_code, '0000') as pop_subtype_code,
    hukou_div_code,
    hukou_address,
    case when is_open then reg_on end as residence_stated_on,
    case when is_open then village_code end as res_village_code,
    case when is_open then dwelling_id end as res_dwelling_id,
    case when is_open then res_address end as res_address,
    reason as stay_reason,
    arrive_on
from {{ ref('int_residence_reg') }}
qualify row_number() over (partition by person_id order by is_open desc, reg_on desc nulls last, registration_id) = 1
