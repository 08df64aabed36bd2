-- Base columns of the panel, one row a village; a village where nobody lives has zeros.
{% set bands = range(0, 90, 5) | list %}
with resident as (
    select
        res_village_code as village_code,
        pop_type_code,
        sex_code,
        age,
        least(floor(age / 5) * 5, 85)::integer as band
    from {{ ref('person') }}
    where alive <> 'dead' and res_village_code is not null
),
people as (
    select
        village_code,
        coalesce(count_if(pop_type_code = '01'), 0) as pop_01,
        coalesce(count_if(pop_type_code = '02'), 0) as pop_02,
        coalesce(count_if(pop_type_code = '03'), 0) as pop_03,
        coalesce(count_if(pop_type_code is null or pop_type_code not in ('01', '02', '03')), 0) as pop_x,
        {%- for letter, sex in [('m', '1'), ('f', '2')] %}
            {%- for band in bands %}
        coalesce(count_if(sex_code = '{{ sex }}' and band = {{ band }}), 0) as {{ letter }}_{{ '%02d' % band }},
            {%- endfor %}
        {%- endfor %}
        coalesce(count_if((sex_code is null or sex_code not in ('1', '2')) and age < 60), 0) as u_younger,
        coalesce(count_if((sex_code is null or sex_code not in ('1', '2')) and age >= 60), 0) as u_older,
        coalesce(count_if(age is null), 0) as u_age
    from resident
    group by village_code
)
select
    v.village_code,
    v.name,
    v.town_code,
    v.town_name,
    p.* exclude (village_code) replace (
        {%- for column in ['pop_01', 'pop_02', 'pop_03', 'pop_x', 'u_younger', 'u_older', 'u_age'] %}
        coalesce(p.{{ column }}, 0)::integer as {{ column }},
        {%- endfor %}
        {%- for letter in ['m', 'f'] %}
            {%- set last = loop.last %}
            {%- for band in bands %}
        coalesce(p.{{ letter }}_{{ '%02d' % band }}, 0)::integer as {{ letter }}_{{ '%02d' % band }}{{ ',' if not (last and loop.last) }}
            {%- endfor %}
        {%- endfor %}
    ),
    v.n_household as household,
    v.n_household_person as household_person,
    v.n_dwelling_rented as rented,
    v.n_dwelling - v.n_dwelling_rented as not_rented,
    (v.kind = '村')::integer as cun,
    (v.kind = '居')::integer as ju,
    coalesce(v.grid_count, 0) as grid,
    coalesce(v.micro_grid_count, 0) as micro_grid
from {{ ref('village') }} as v
left join people as p on p.village_code = v.village_code
