-- CUL02: fitness points standing in the village, per resident.
{% set meta = model.config.get('meta', {}) %}
select
    'CUL02' as indicator,
    v.village_code,
    count_if(f.source = 'B04' and f.is_open and f.kind in ({{ index_words(meta.get('kinds')) }}))
        as numerator,
    any_value(v.n_res) as denominator,
    0 as n_unknown
from {{ ref('village') }} as v
left join {{ ref('int_index__facility') }} as f on f.village_code = v.village_code
group by v.village_code
