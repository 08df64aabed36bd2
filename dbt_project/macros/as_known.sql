{# The past both ways, from the run's own database: what was true on one date as it was known on another. Both are SQL
   expressions of dates. Ends of intervals are not included. #}

{# One row a person and followed attribute: its value on `true_on`, as known on `known_on`, and the feed that said it. #}
{% macro person_as_known(true_on, known_on) -%}
(
    select person_id, attribute, value, feed
    from {{ source('identity', 'period') }}
    where valid_from_on <= {{ true_on }} and coalesce(valid_to_on > {{ true_on }}, true)
        and known_from_on <= {{ known_on }} and coalesce(known_to_on > {{ known_on }}, true)
)
{%- endmacro %}

{# Everyone's whole row as it was known on `known_on`. #}
{% macro people_as_known(known_on) -%}
(
    select * exclude (known_from_on, known_to_on)
    from {{ source('identity', 'person_version') }}
    where known_from_on <= {{ known_on }} and coalesce(known_to_on > {{ known_on }}, true)
)
{%- endmacro %}
