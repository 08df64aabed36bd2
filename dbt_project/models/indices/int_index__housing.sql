-- A dwelling whose column is empty belongs neither to the numerator nor to the denominator and is counted as unknown.
-- Safety grades are the exception: they are given where a survey found something, so that every dwelling counts.
{% set meta = model.config.get('meta', {}) %}
{% set dangerous = meta.get('dangerous_grades') or [''] %}
{% set affordable = meta.get('affordable_types') or [''] %}
with suspected as (
    select distinct p.res_dwelling_id as dwelling_id
    from (
        select person_id
        from {{ resolved('i01') }}
        where person_id is not null and field = '{{ meta.get('suspicion_field') }}'
        group by person_id
        having arg_max(value, (filled_at, row_id)) <> '{{ meta.get('suspicion_settled') }}'
    ) as r
    inner join {{ ref('person') }} as p on p.person_id = r.person_id
    where p.alive <> 'dead'
),
home as (
    select
        d.*,
        s.dwelling_id is not null and d.safety_grade is null as is_suspected,
        d.occupant_count > 0 as is_occupied,
        case
            when d.floor_no < a.value then false
            when d.floor_no >= a.value then not (coalesce(d.has_elevator, false) or coalesce(d.is_elevator_added, false))
        end as is_high_without_lift,
        d.floor_no >= a.value and d.has_elevator is null and d.is_elevator_added is null as is_lift_unknown
    from {{ ref('dwelling') }} as d
    inner join {{ ref('int_index__parameter') }} as a on a.parameter = 'upper_floor'
    left join suspected as s on s.dwelling_id = d.dwelling_id
    where d.village_code is not null
),
rented as (
    select
        d.village_code,
        count_if(l.is_filed) as n_filed,
        count(l.is_filed) as n_filing_known,
        count_if(l.is_filed is null) as n_filing_unknown,
        count(distinct l.dwelling_id) filter (l.group_rent = '{{ meta.get('confirmed_group_rent') }}') as n_group_rent
    from {{ ref('lease') }} as l
    inner join {{ ref('dwelling') }} as d on d.dwelling_id = l.dwelling_id
    -- Open on the day the list was made: which lease was renewed since, the next list says.
    where coalesce(l.start_on <= {{ index_date('F02') }}, true) and coalesce(l.end_on >= {{ index_date('F02') }}, true)
        and d.village_code is not null
    group by d.village_code
),
renting as (
    select h.village_code, count(distinct p.household_id) as households
    from {{ ref('person') }} as p
    inner join {{ ref('household') }} as h on h.household_id = p.household_id
    where p.tenure = 'rent' and p.alive <> 'dead' and h.village_code is not null
    group by h.village_code
),
counted as (
    select
        village_code,
        count(*) as dwellings,
        sum(gross_area_m2) filter (is_occupied and gross_area_m2 is not null) as area_m2,
        sum(occupant_count) filter (is_occupied and gross_area_m2 is not null) as occupants,
        count_if(is_occupied and gross_area_m2 is null) as area_unknown,
        count_if(is_occupied and has_kitchen and has_toilet) as complete,
        count_if(is_occupied and has_kitchen is not null and has_toilet is not null) as complete_known,
        count_if(is_occupied and (has_kitchen is null or has_toilet is null)) as complete_unknown,
        count_if(is_occupied and has_piped_gas) as gas,
        count_if(is_occupied and has_piped_gas is not null) as gas_known,
        count_if(is_occupied and has_piped_gas is null) as gas_unknown,
        count_if(is_high_without_lift and not is_lift_unknown) as high,
        count_if(is_high_without_lift is not null and not is_lift_unknown) as high_known,
        count_if(is_high_without_lift is null or is_lift_unknown) as high_unknown,
        count_if(safety_grade in ('{{ dangerous | join("', '") }}') or is_suspected) as dangerous,
        count_if(safety_grade is null and not is_suspected) as ungraded,
        count_if(build_type in ('{{ affordable | join("', '") }}')) as affordable,
        count_if(is_illegal_build) as illegal,
        count(is_illegal_build) as illegal_known,
        count_if(is_illegal_build is null) as illegal_unknown
    from home
    group by village_code
)
select
    c.village_code,
    unnest([
        {'indicator': 'HOU01', 'numerator': coalesce(c.area_m2, 0)::decimal(20, 9), 'denominator': coalesce(c.occupants, 0)::bigint, 'n_unknown': c.area_unknown},
        {'indicator': 'HOU02', 'numerator': c.complete, 'denominator': c.complete_known, 'n_unknown': c.complete_unknown},
        {'indicator': 'HOU03', 'numerator': c.gas, 'denominator': c.gas_known, 'n_unknown': c.gas_unknown},
        {'indicator': 'HOU04', 'numerator': c.high, 'denominator': c.high_known, 'n_unknown': c.high_unknown},
        {'indicator': 'HOU05', 'numerator': c.dangerous, 'denominator': c.dwellings, 'n_unknown': c.ungraded},
        {'indicator': 'HOU06', 'numerator': coalesce(r.n_group_rent, 0), 'denominator': c.dwellings, 'n_unknown': 0},
        {'indicator': 'HOU07', 'numerator': coalesce(r.n_filed, 0), 'denominator': coalesce(r.n_filing_known, 0), 'n_unknown': coalesce(r.n_filing_unknown, 0)},
        {'indicator': 'HOU10', 'numerator': c.affordable, 'denominator': coalesce(e.households, 0), 'n_unknown': 0},
        {'indicator': 'ENV09', 'numerator': c.illegal, 'denominator': c.illegal_known, 'n_unknown': c.illegal_unknown}
    ], recursive := true)
from counted as c
left join rented as r on r.village_code = c.village_code
left join renting as e on e.village_code = c.village_code
