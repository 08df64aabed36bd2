{% set years = var('schooling_years') %}
with resident as (
    select
        res_village_code as village_code,
        count(*)::integer as n_res,
        coalesce(count_if(age >= 60), 0)::integer as n_60,
        coalesce(count_if(age >= 65), 0)::integer as n_65,
        coalesce(count_if(age >= 80), 0)::integer as n_80,
        coalesce(count_if(age between 0 and 14), 0)::integer as n_0_14,
        coalesce(count_if(age between 3 and 5), 0)::integer as n_3_5,
        coalesce(count_if(age >= 15), 0)::integer as n_15_plus,
        coalesce(count_if(age is null), 0)::integer as n_age_unknown,
        coalesce(count_if(pop_type_code = '01'), 0)::integer as n_pop_01,
        coalesce(count_if(pop_type_code = '02'), 0)::integer as n_pop_02,
        coalesce(count_if(pop_type_code = '03'), 0)::integer as n_pop_03,
        coalesce(count_if(sex_code = '1'), 0)::integer as n_male,
        coalesce(count_if(sex_code = '2'), 0)::integer as n_female,
        coalesce(count_if(age >= 15 and edu_code is not null), 0)::integer as n_edu_known,
        coalesce(count_if(age >= 15 and edu_code < '40'), 0)::integer as n_college,
        sum(
            case when age >= 15 then
                case left(edu_code, 1){% for digit, n in years.items() %} when '{{ digit }}' then {{ n }}{% endfor %} end
            end
        )::integer as edu_years
    from {{ ref('int_person') }}
    where is_living and res_village_code is not null
    group by res_village_code
),
registered as (
    select
        hukou_village_code as village_code,
        count(*)::integer as n_hukou,
        coalesce(count_if(res_village_code is distinct from hukou_village_code), 0)::integer as n_away
    from {{ ref('int_person') }}
    where is_living and hukou_village_code is not null
    group by hukou_village_code
),
home as (
    select village_code, count(*)::integer as n_household, sum(size)::integer as n_household_person
    from {{ ref('household') }}
    where village_code is not null
    group by village_code
),
building as (
    select
        d.village_code,
        count(*)::integer as n_dwelling,
        coalesce(count_if(d.use_status = '出租' or l.dwelling_id is not null), 0)::integer as n_dwelling_rented,
        sum(d.gross_area_m2)::decimal(14, 2) as dwelling_area_m2
    from {{ ref('dwelling') }} as d
    left join (select distinct dwelling_id from {{ ref('lease') }} where is_open) as l
        on l.dwelling_id = d.dwelling_id
    where d.village_code is not null
    group by d.village_code
)
select
    v.village_code,
    v.name,
    v.kind,
    v.town_code,
    v.town_name,
    v.form,
    v.is_rural,
    v.urban_class_code,
    v.grid_count,
    v.micro_grid_count,
    v.area_km2,
    v.lon,
    v.lat,
    coalesce(r.n_res, 0) as n_res,
    coalesce(g.n_hukou, 0) as n_hukou,
    coalesce(g.n_away, 0) as n_away,
    {%- for column in ['n_60', 'n_65', 'n_80', 'n_0_14', 'n_3_5', 'n_15_plus', 'n_age_unknown', 'n_pop_01', 'n_pop_02',
                       'n_pop_03', 'n_male', 'n_female', 'n_edu_known', 'n_college', 'edu_years'] %}
    coalesce(r.{{ column }}, 0) as {{ column }},
    {%- endfor %}
    coalesce(h.n_household, 0) as n_household,
    coalesce(h.n_household_person, 0) as n_household_person,
    coalesce(b.n_dwelling, 0) as n_dwelling,
    coalesce(b.n_dwelling_rented, 0) as n_dwelling_rented,
    b.dwelling_area_m2
from {{ ref('stg_b03') }} as v
left join resident as r on r.village_code = v.village_code
left join registered as g on g.village_code = v.village_code
left join home as h on h.village_code = v.village_code
left join building as b on b.village_code = v.village_code
