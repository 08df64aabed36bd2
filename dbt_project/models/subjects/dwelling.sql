with occupant as (
    select
        res_dwelling_id as dwelling_id,
        count(*)::integer as people,
        coalesce(count_if(tenure = 'rent'), 0)::integer as renters
    from {{ ref('int_person') }}
    where is_living and res_dwelling_id is not null
    group by res_dwelling_id
),
household as (
    select dwelling_id, coalesce(count_if(n_adult > 0), 0)::integer as with_adult
    from {{ ref('int_household') }}
    group by dwelling_id
),
-- Kinds and counts, not which: a firm's address is public and would tell which dwelling this is.
inspected as (
    select dwelling_id, list(distinct kind order by kind) as kinds
    from {{ ref('place') }}
    where dwelling_id is not null and kind is not null
    group by dwelling_id
),
firm as (
    select dwelling_id, count(*)::integer as firms
    from {{ ref('organisation') }}
    where dwelling_id is not null and cancelled_on is null
    group by dwelling_id
)
select
    d.dwelling_id,
    d.std_address,
    coalesce(v.village_code, n.village_code) as village_code,
    case when v.village_code is not null then 'stated' when n.village_code is not null then 'neighbours' end
        as village_method,
    d.grid_id,
    d.estate_id,
    d.build_type,
    d.built_year,
    d.floor_no,
    d.floors_total,
    d.has_elevator,
    d.is_elevator_added,
    d.is_lift_consult,
    d.gross_area_m2,
    d.has_kitchen,
    d.has_toilet,
    d.has_piped_gas,
    d.has_bottled_gas,
    d.has_smoke_alarm,
    d.has_smart_meter,
    d.use_status,
    d.safety_grade,
    d.is_illegal_build,
    d.has_facade_risk,
    d.is_self_built_biz,
    d.lon,
    d.lat,
    coalesce(o.people, 0) as occupant_count,
    coalesce(h.with_adult, 0) as unrelated_adult_count,
    coalesce(o.renters, 0) as renter_count,
    case when {{ feed_available('F33') }} then coalesce(i.kinds, []::varchar[]) end as place_kinds,
    case when {{ feed_available('F32') }} then coalesce(f.firms, 0) end::integer as firm_count
from {{ ref('stg_b02') }} as d
left join {{ ref('stg_b03') }} as v on v.village_code = d.village_code
left join {{ source('identity', 'dwelling_key') }} as k on k.dwelling_id = d.dwelling_id
left join {{ ref('stg_b03') }} as n on n.village_code = k.neighbour_village_code
left join occupant as o on o.dwelling_id = d.dwelling_id
left join household as h on h.dwelling_id = d.dwelling_id
left join inspected as i on i.dwelling_id = d.dwelling_id
left join firm as f on f.dwelling_id = d.dwelling_id
