-- Points are put into squares as wide as the radius, so that a point can only be reached from its own square and the
-- eight around it: an equality join, then one comparison of distances.
{% set rules = model.config.get('meta', {}).get('reach') or [] %}
with rule as (
    {{ index_rules(rules) }}
),
demand as (
    {{ index_demand(rules) }}
),
supply as (
    {{ index_supply() }}
),
reached as (
    select distinct d.indicator, d.point
    from demand as d
    inner join supply as s on s.indicator = d.indicator and s.square_x = d.square_x and s.square_y = d.square_y
    where {{ index_near() }}
)
select
    d.indicator,
    d.village_code,
    coalesce(sum(d.people) filter (r.point is not null), 0)::bigint as numerator,
    coalesce(sum(d.people) filter (d.x_m is not null), 0)::bigint as denominator,
    coalesce(sum(d.people) filter (d.x_m is null), 0)::bigint as n_unknown
from demand as d
left join reached as r on r.indicator = d.indicator and r.point = d.point
group by d.indicator, d.village_code
