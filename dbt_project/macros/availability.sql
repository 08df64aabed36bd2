{# Whether a feed is in use: what comes from a feed that is not is unknown, not none. #}
{% macro feed_available(feed) -%}
    (select coalesce(bool_or(is_available), false) from {{ source('lake', 'feed_status') }} where feed = '{{ feed }}')
{%- endmacro %}
