{# What a slot's address means, a row for each row of a feed whose address was looked up. #}
{% macro addressed(feed, slot) -%}
    (select * from {{ source('identity', 'dwelling_link') }} where feed = '{{ feed }}' and slot = '{{ slot }}')
{%- endmacro %}

{# The organisation that a row of a feed names. #}
{% macro organised(feed, slot) -%}
    (select * from {{ source('identity', 'organisation_link') }} where feed = '{{ feed }}' and slot = '{{ slot }}')
{%- endmacro %}

{# Two relations speak of the same delivered row. #}
{% macro same_row(one, other) -%}
    {{ one }}._business_on = {{ other }}._business_on and {{ one }}._delivery = {{ other }}._delivery
    and {{ one }}._file = {{ other }}._file and {{ one }}._line = {{ other }}._line
{%- endmacro %}
