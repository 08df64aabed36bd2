{{ config(materialized='ephemeral') }}
-- What the population base says of each person. Of several rows of one person the one updated last speaks; equal
-- ones are told apart by their place in the delivery, so that the choice is the same in every run.
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
    nationality_code,
    pop_type_code,
    pop_subtype_code,
    marital_code,
    edu_code,
    occ_code,
    spouse_id as spouse_key,
    rel_head_code,
    rel_main_code,
    tenure,
    alive,
    death_on,
    hukou_div_code,
    hukou_address,
    hukou_village_code,
    hukou_kind,
    hukou_nature,
    hukou_no,
    hukou_dwelling_id,
    is_empty_hukou,
    is_separated,
    coalesce(verified_on, updated_at::date) as residence_stated_on,
    -- No village of residence is the base's way of saying "at the registered address", unless the person is marked
    -- as living elsewhere.
    case when at_register then hukou_village_code else res_village_code end as res_village_code,
    case when at_register then coalesce(res_dwelling_id, hukou_dwelling_id) else res_dwelling_id end as res_dwelling_id,
    case when at_register then coalesce(res_address, hukou_address) else res_address end as res_address,
    stay_reason,
    arrive_on,
    entry_on,
    mobile,
    mobile_verified_on,
    verified_on
from (
    select
        *,
        res_village_code is null
            and not coalesce(is_separated, false)
            and not coalesce(is_empty_hukou, false)
            and hukou_village_code is not null as at_register
    from {{ ref('stg_b01') }}
    where person_id is not null
    qualify row_number() over (partition by person_id order by updated_at desc nulls last, _file, _line) = 1
)
