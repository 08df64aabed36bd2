{# Words of the registry for values that name parts of it: columns, feeds. #}

{# The names of a registered model's columns, as a list SQL can look into. #}
{% macro registered_columns(name) -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- set columns = graph.nodes['model.' ~ project_name ~ '.' ~ name].columns.keys() | list -%}
    {%- endif -%}
    ({% for column in columns %}'{{ column }}'{{ ', ' if not loop.last }}{% else %}''{% endfor %})
{%- endmacro %}

{# The Chinese label of a registered column, of an expression that holds the column's name. #}
{% macro label_of(name, value) -%}
    {%- if execute -%}
    case {{ value }}
        {%- for column in graph.nodes['model.' ~ project_name ~ '.' ~ name].columns.values() %} when '{{ column.name }}' then '{{ column.config.get('meta', {}).get('label', column.name) }}'{% endfor %} end
    {%- else -%}
    null::varchar
    {%- endif -%}
{%- endmacro %}

{# Who delivers a feed and what it is called, of an expression that holds the feed's id. #}
{% macro feed_in_words(value) -%}
    case {{ value }}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('meta', {}).get('feed') %} when '{{ node.config.meta.feed }}' then '{{ node.config.meta.owner }}（{{ node.config.meta.label }}）'{% endfor %}
    {%- endif %} when '' then '' end
{%- endmacro %}
