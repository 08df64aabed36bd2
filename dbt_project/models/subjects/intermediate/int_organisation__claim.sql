-- What each feed says of an organisation, a row a claim; `rank` is whose word goes before, then the order of delivery.
with claim as (
    select
        l.organisation_id,
        1 as rank,
        'F32' as feed,
        b.uscc,
        l.method,
        l.confidence,
        b.name,
        b.org_type,
        b.industry,
        b.status,
        b.established_on,
        b.cancelled_on,
        -- The village a firm works in, else the one its address leads to.
        coalesce(v.village_code, a.village_code) as village_code,
        case
            when v.village_code is not null then 'stated' when a.village_code is not null then a.method
        end as village_method,
        a.dwelling_id,
        r.village_code as registered_village_code,
        case b.on_site when 'true' then true when 'false' then false end as is_on_site,
        b.is_abnormal,
        b.is_illegal,
        b.lic_kind,
        b.lic_valid_to_on,
        b.penalty_on,
        b.employees,
        b.local_employees,
        b.scale,
        b.is_wage_arrears,
        b._business_on,
        b._file,
        b._line
    from {{ ref('stg_f32') }} as b
    inner join {{ organised('F32', 'business') }} as l on {{ same_row('l', 'b') }}
    left join {{ ref('stg_b03') }} as v on v.village_code = b.village_code
    left join {{ addressed('F32', 'business') }} as a on {{ same_row('a', 'b') }}
    left join {{ addressed('F32', 'registered') }} as r on {{ same_row('r', 'b') }}
    union all by name
    select
        l.organisation_id,
        2 as rank,
        'F20' as feed,
        l.method,
        l.confidence,
        b.branch_name as name,
        regexp_extract(b.branch_name, '(党委|党总支|党支部)$', 1) as party_kind,
        b.founded_on as established_on,
        v.village_code,
        case when v.village_code is not null then 'stated' end as village_method,
        b._business_on,
        b._file,
        b._line
    from {{ ref('stg_f20') }} as b
    inner join {{ organised('F20', 'branch') }} as l on {{ same_row('l', 'b') }}
    left join {{ ref('stg_b03') }} as v on v.village_code = b.branch_village_code
    union all by name
    -- Organisations that others know by their code only: cooperatives and employers.
    select organisation_id, 3 as rank, null as feed, code as uscc, method, confidence
    from {{ source('identity', 'organisation_code') }}
)
select
    *,
    row_number() over (
        partition by organisation_id
        order by rank, method <> 'code_repaired' desc, _business_on desc, _file, _line, uscc
    ) as turn
from claim
