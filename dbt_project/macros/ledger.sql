{# What a ledger's model takes from its own declaration, so that neither codes nor empty columns are written twice. #}

{# The condition that the declared tags select a row; `alias` is the wide tag table. Several tags: any of them. #}
{% macro selected_by_tags(alias) -%}
    {%- set tags = model.config.get('meta', {}).get('ledger', {}).get('selection', []) -%}
    {%- if not execute or tags | length == 0 -%}
    true
    {%- else -%}
    coalesce({% for tag in tags %}{{ alias }}."{{ tag }}"{{ ' or ' if not loop.last }}{% endfor %}, false)
    {%- endif -%}
{%- endmacro %}

{# Columns that the village fills in by hand: present and empty. So are those whose feed is not connected yet. #}
{% macro empty_columns() -%}
    {%- for column in model.columns.values() if column.config.get('meta', {}).get('role') in ('manual', 'pending') %}
    cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# A code's Chinese name, from the code tables in force. #}
{% macro code_join(alias, table, value) -%}
left join {{ ref('code') }} as {{ alias }} on {{ alias }}.code_table = '{{ table }}' and {{ alias }}.code = {{ value }}
{%- endmacro %}

{# A boolean in words; nothing where it is unknown. #}
{% macro yes_no(value, yes='是', no='否') -%}
    case {{ value }} when true then '{{ yes }}' when false then '{{ no }}' end
{%- endmacro %}

{# One of our English values in the words a cadre reads. #}
{% macro in_chinese(vocabulary, value) -%}
    case {{ value }}{% for key, word in var('words')[vocabulary].items() %} when '{{ key }}' then '{{ word }}'{% endfor %} end
{%- endmacro %}
