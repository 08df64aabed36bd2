select person_id, res_village_code as village_code, 'res' as role
from {{ ref('int_person') }}
where is_living and res_village_code is not null
union all
select person_id, hukou_village_code, 'hukou'
from {{ ref('int_person') }}
where is_living and hukou_village_code is not null
