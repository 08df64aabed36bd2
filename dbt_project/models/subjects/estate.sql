-- estate
with phase as (
    -- An estate built in phases may have a row for each: what can be added is, the rest is the largest phase's.
    select
        *,
        row_number() over (partition by estate_id order by households desc nulls last, name, _line) as rank
    from {{ ref('stg_f29') }}
),
whole as (
    select
        estate_id,
        {% for name in ['households', 'elevators', 'elevators_added', 'chargers', 'parking'] -%}
        case when count({{ name }}) = count(*) then sum({{ name }})::integer end as {{ name }},
        {% endfor -%}
        min(built_year) as built_year
    from phase
    group by estate_id
),
home as (
    select estate_id, count(*)::integer as n_dwelling, mode(village_code order by village_code) as village_code
    from {{ ref('dwelling') }}
    where estate_id is not null
    group by estate_id
),
person as (
    select d.estate_id, sum(d.occupant_count)::integer as n_res
    from {{ ref('dwelling') }} as d
    where d.estate_id is not null
    group by d.estate_id
)
select
    e.estate_id,
    regexp_replace(e.name, '[（(]?[一二三四五六七八九十]+期[）)]?$', '') as name,
    e.kind,
    -- Where the register names a village that is none, the one most of the estate's dwellings lie in.
    coalesce(v.village_code, h.village_code) as village_code,
    w.households,
    w.built_year,
    e.property_co,
    e.fee_cny,
    e.committee_status,
    e.committee_term_end_on,
    w.elevators,
    w.elevators_added,
    e.fund_rate,
    e.score,
    w.chargers,
    w.parking,
    h.n_dwelling,
    p.n_res
from phase as e
inner join whole as w on w.estate_id = e.estate_id
left join {{ ref('stg_b03') }} as v on v.village_code = e.village_code
left join home as h on h.estate_id = e.estate_id
left join person as p on p.estate_id = e.estate_id
where e.rank = 1
