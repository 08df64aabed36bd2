-- organisation
-- Every value comes from the first feed that states it; who stated the name, the state and the village stands beside.
{% set plain = ['org_type', 'industry', 'established_on', 'cancelled_on', 'dwelling_id', 'registered_village_code',
                'is_on_site', 'is_abnormal', 'is_illegal', 'lic_kind', 'lic_valid_to_on', 'penalty_on', 'employees',
                'local_employees', 'scale', 'is_wage_arrears', 'party_kind'] %}
with merged as (
    select
        organisation_id,
        arg_min(uscc, turn) as uscc,
        min(confidence) as confidence,
        arg_min(method, turn) as id_method,
        bool_or(feed is not null) as is_registered,
        {%- for column in ['name', 'status', 'village_code'] %}
        arg_min({{ column }}, turn) filter (where {{ column }} is not null) as {{ column }},
        arg_min(feed, turn) filter (where {{ column }} is not null) as {{ column }}_source,
        arg_min(_business_on, turn) filter (where {{ column }} is not null) as {{ column }}_known_on,
        {%- endfor %}
        arg_min(village_method, turn) filter (where village_code is not null) as village_method,
        {%- for column in plain %}
        arg_min({{ column }}, turn) filter (where {{ column }} is not null) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_organisation__claim') }}
    group by organisation_id
)
select
    m.organisation_id,
    m.uscc,
    m.id_method,
    m.confidence,
    m.is_registered,
    left(m.uscc, 2) as code_prefix,
    m.name,
    m.name_source,
    m.org_type,
    m.party_kind,
    m.industry,
    m.status,
    m.status_source,
    m.status_known_on,
    m.established_on,
    m.cancelled_on,
    m.village_code,
    m.village_code_source,
    m.village_method,
    m.dwelling_id,
    d.build_type as premises_type,
    m.registered_village_code,
    m.is_on_site,
    m.is_abnormal,
    m.is_illegal,
    m.lic_kind,
    m.lic_valid_to_on,
    m.penalty_on,
    m.employees,
    m.local_employees,
    m.scale,
    m.is_wage_arrears
from merged as m
left join {{ ref('stg_b02') }} as d on d.dwelling_id = m.dwelling_id
