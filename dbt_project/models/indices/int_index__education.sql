{% set years = var('schooling_years') %}
with schooled as (
    select
        p.res_village_code as village_code,
        case left(p.edu_code, 1)
            {%- for digit, n in years.items() %} when '{{ digit }}' then {{ n }}{% endfor %}
        end as years
    from {{ ref('person') }} as p
    inner join {{ ref('int_index__parameter') }} as a on a.parameter = 'adult_schooling_age'
    where p.alive <> 'dead' and p.res_village_code is not null and p.age >= a.value
)
select
    'EDU07' as indicator,
    village_code,
    coalesce(sum(years), 0)::bigint as numerator,
    count(years) as denominator,
    count(years) as n,
    count_if(years is null) as n_unknown,
    coalesce(sum(years * years), 0)::bigint as sum_of_squares
from schooled
group by village_code
