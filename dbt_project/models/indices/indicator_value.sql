{% set meta = model.config.get('meta', {}) %}
{% set computed = meta.get('computed') or {} %}
with listed as (
    {% for code, feeds in computed.items() -%}
    select '{{ code }}' as indicator, {% for feed in feeds %}{{ feed_available(feed) }}{% if not loop.last %} and {% endif %}{% endfor %} as is_available
    union all
    {% endfor -%}
    select null, null where false
),
found as (
    {% for model_name in ['int_index__reach', 'int_index__share', 'int_index__housing', 'int_index__fitness', 'int_index__market',
        'int_index__people', 'int_index__service'] -%}
    select
        indicator,
        village_code,
        numerator::decimal(20, 9) as numerator,
        denominator::decimal(20, 9) as denominator,
        denominator::bigint as n,
        n_unknown::bigint as n_unknown,
        null::decimal(20, 9) as sum_of_squares
    from {{ ref(model_name) }}
    union all
    {% endfor -%}
    {#- What is read, not who is counted: the value is weighed in something else than the readings it rests on. -#}
    {% for model_name in ['int_index__environment', 'int_index__estate'] -%}
    select
        indicator,
        village_code,
        numerator::decimal(20, 9),
        denominator::decimal(20, 9),
        n::bigint,
        n_unknown::bigint,
        null::decimal(20, 9)
    from {{ ref(model_name) }}
    union all
    {% endfor -%}
    select indicator, village_code, numerator, denominator, n, n_unknown, sum_of_squares
    from {{ ref('int_index__education') }}
)
select
    l.indicator as part_code,
    v.village_code,
    case when l.is_available then coalesce(f.numerator, 0) end::decimal(20, 9) as numerator,
    case when l.is_available then coalesce(f.denominator, 0) end::decimal(20, 9) as denominator,
    case when l.is_available then coalesce(f.n, 0) end::bigint as n,
    case when l.is_available then coalesce(f.n_unknown, 0) end::bigint as n_unknown,
    case when l.is_available then f.sum_of_squares end::decimal(20, 9) as sum_of_squares,
    case
        when not l.is_available then 'missing'
        when coalesce(f.denominator, 0) > 0 then 'observed'
        -- Somebody is there, but nothing is known of anybody: that is a gap, not an empty village.
        when coalesce(f.n_unknown, 0) > 0 then 'missing'
        else 'not_applicable'
    end as status
from listed as l
cross join {{ ref('village') }} as v
left join found as f on f.indicator = l.indicator and f.village_code = v.village_code
