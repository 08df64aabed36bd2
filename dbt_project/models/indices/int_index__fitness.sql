-- CUL02: fitness points standing in the village, per resident.
{% set meta = model.config.get('meta', {}) %}
select
    'CUL02' as indicator,
    v.village_code,
    count_if(f.kind in ('{{ (meta.get('kinds') or ['']) | join("', '") }}') and f.status = '{{ meta.get('open_status') }}')
        as numerator,
    any_value(v.n_res) as denominator,
    0 as n_unknown
from {{ ref('village') }} as v
left join {{ ref('int_index__facility') }} as f on f.village_code = v.village_code
group by v.village_code
