-- estate
with home as (
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
    e.name,
    e.kind,
    -- Where the register names a village that is none, the one most of the estate's dwellings lie in.
    coalesce(v.village_code, h.village_code) as village_code,
    e.households,
    e.built_year,
    e.property_co,
    e.fee_cny,
    e.committee_status,
    e.committee_term_end_on,
    e.elevators,
    e.elevators_added,
    e.fund_rate,
    e.score,
    e.chargers,
    e.parking,
    h.n_dwelling,
    p.n_res
from {{ ref('stg_f29') }} as e
left join {{ ref('stg_b03') }} as v on v.village_code = e.village_code
left join home as h on h.estate_id = e.estate_id
left join person as p on p.estate_id = e.estate_id
