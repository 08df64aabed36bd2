{# Merging what several feeds say of one person, as `person_precedence` in dbt_project.yml declares it.
   Feeds appear under their model's alias (b01, f01 …); sources are written as feed ids (B01). #}

{# The select list: every declared column, and beside it `<column>_source`. #}
{% macro merged_columns() -%}
    {%- for group in var('person_precedence') -%}
        {%- for column in group.columns %}
    {{ _merged(group, column) }} as {{ column }},
    {{ _merged_source(group, column) }} as {{ column }}_source
            {%- if not (loop.last) %},{% endif -%}
        {%- endfor -%}
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _merged(group, column) -%}
    {%- if 'together' in group or 'newest' in group -%}
    case{% for feed in group.feeds %} when {{ _chosen(group, feed) }} then {{ feed }}.{{ column }}{% endfor %} end
    {%- elif group.feeds | length == 1 -%}
    {{ group.feeds[0] }}.{{ column }}
    {%- else -%}
    coalesce({% for feed in group.feeds %}{{ feed }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro %}

{% macro _merged_source(group, column) -%}
    case
    {%- for feed in group.feeds %} when {% if 'together' in group or 'newest' in group -%}
        {{ _chosen(group, feed) }} and {% endif -%}
        {{ feed }}.{{ column }} is not null then '{{ feed | upper }}'
    {%- endfor %} end
{%- endmacro %}

{# Whether a group that must come whole comes from this feed; only asked after the feeds before it said no. #}
{% macro _chosen(group, feed) -%}
    {%- if 'newest' in group -%}
    {{ feed }}.{{ group.newest }} is not null
        {%- for other in group.feeds if other != feed %} and {{ feed }}.{{ group.newest }} >= coalesce({{ other }}.{{ group.newest }}, {{ feed }}.{{ group.newest }}){% endfor -%}
    {%- else -%}
    {{ feed }}.{{ group.together }} is not null
    {%- endif -%}
{%- endmacro %}
