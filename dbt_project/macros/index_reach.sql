{# Reach of facilities by dwellings, for models of indices: rules, the people who reach and the facilities reached. #}

{# One row a rule and kind, radii in metres; a square is as wide as the greater radius. #}
{% macro index_rules(rules) -%}
    {#- Named outside the loop: while dbt parses, the rules are not known yet, but the dependency must be. #}
    {%- set parameter = ref('int_index__parameter') -%}
    {% for rule in rules -%}
    select
        '{{ rule.indicator }}' as indicator,
        '{{ rule.get('from', 'B04') }}' as source,
        unnest(['{{ rule.kinds | join("', '") }}']) as kind,
        c.value as committee_m,
        v.value as village_m,
        greatest(c.value, v.value) as square_m
    from {{ parameter }} as c
    cross join {{ parameter }} as v
    where c.parameter = '{{ rule.committee }}' and v.parameter = '{{ rule.village }}'
    union all
    {% endfor -%}
    select null, null, null, null, null, null where false
{%- endmacro %}

{# One row a rule and point with anybody of the rule's band; x_m is null where the dwelling is not known. #}
{% macro index_demand(rules) -%}
    {%- set place = ref('int_index__place') -%}
    {% for rule in rules -%}
    select
        '{{ rule.indicator }}' as indicator,
        p.point,
        p.village_code,
        p.{{ rule.band }} as people,
        p.x_m,
        p.y_m,
        case when p.is_committee then r.committee_m else r.village_m end as radius_m,
        floor(p.x_m / r.square_m)::integer as square_x,
        floor(p.y_m / r.square_m)::integer as square_y
    from {{ place }} as p
    inner join (select distinct indicator, committee_m, village_m, square_m from rule) as r
        on r.indicator = '{{ rule.indicator }}'
    where p.{{ rule.band }} > 0
    union all
    {% endfor -%}
    select null, null, null, null, null, null, null, null, null where false
{%- endmacro %}

{# One row a rule, open facility and square it can be reached from. #}
{% macro index_supply() -%}
    select
        r.indicator,
        f.facility_id,
        f.kind,
        f.village_code,
        f.capacity,
        f.price_index,
        f.x_m,
        f.y_m,
        floor(f.x_m / r.square_m)::integer + i.step as square_x,
        floor(f.y_m / r.square_m)::integer + j.step as square_y
    from {{ ref('int_index__facility') }} as f
    inner join rule as r on r.kind = f.kind and r.source = f.source
    cross join (select unnest([-1, 0, 1]) as step) as i
    cross join (select unnest([-1, 0, 1]) as step) as j
    where f.is_open and f.x_m is not null
{%- endmacro %}

{# Whether facility s lies within the radius of point d. #}
{% macro index_near() -%}
    (s.x_m - d.x_m) ** 2 + (s.y_m - d.y_m) ** 2 <= d.radius_m ** 2
{%- endmacro %}

{# A declared parameter in force on as_of, as a scalar. #}
{% macro index_parameter(name) -%}
    (select value from {{ ref('int_index__parameter') }} where parameter = '{{ name }}')
{%- endmacro %}

{# A list of declared words for `in (…)`. #}
{% macro index_words(words) -%}
    '{{ (words or ['']) | join("', '") }}'
{%- endmacro %}

{# The day up to which a feed has spoken: that of its latest delivery in use, as_of for one without. Windows end and terms
   are judged there and not on as_of: what a source has not said yet is no news, so that a day on which nothing came moves
   no indicator, and a licence renewed last week is not taken for lapsed before the next list. #}
{% macro index_date(feed) -%}
    (select coalesce(least(any_value(business_on), {{ as_of() }}), {{ as_of() }})
        from {{ source('lake', 'feed_status') }} where feed = '{{ feed }}')
{%- endmacro %}

{# Whether a month is one of the twelve whole ones before the month in which a feed last spoke. #}
{% macro index_month_within(month, feed) -%}
    ({{ month }} < date_trunc('month', {{ index_date(feed) }})
        and {{ month }} >= date_trunc('month', {{ index_date(feed) }}) - interval 12 month)
{%- endmacro %}

{# Whether a time lies within the declared number of days up to the day a feed has spoken. #}
{% macro index_within(moment, parameter, feed) -%}
    ({{ moment }}::date <= {{ index_date(feed) }}
        and {{ moment }}::date > {{ index_date(feed) }} - {{ index_parameter(parameter) }})
{%- endmacro %}
