-- One row a dwelling and open lease; a dwelling let without a lease on record has one row without.
select
    d.village_code,
    d.dwelling_id,
    coalesce(l.lease_id, '') as lease_id,
    d.std_address,
    l.landlord_name,
    l.tenant_count,
    {{ yes_no('l.is_filed', '已备案', '未备案') }} as filed,
    l.start_on,
    l.end_on,
    d.gross_area_m2,
    {{ empty_columns() }}
from {{ ref('dwelling') }} as d
inner join {{ source('tags', 'dwelling_tags') }} as t on t.dwelling_id = d.dwelling_id
left join {{ ref('lease') }} as l on l.dwelling_id = d.dwelling_id and l.is_open
where d.village_code is not null and {{ selected_by_tags('t') }}
