select
    person_id,
    pension_kind,
    pension_status,
    medical_kind,
    medical_status,
    unemployment_status,
    injury_status,
    last_paid_ym,
    strptime(last_paid_ym::varchar, '%Y%m')::date as last_paid_on,
    employer_id
from {{ resolved('f11') }}
where person_id is not null
