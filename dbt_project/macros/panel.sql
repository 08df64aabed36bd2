{# A dashboard panel's measures as SQL, from the panel's declaration (meta `panel` of its model). #}

{# The declared measures that are sums, with their base columns spelt out: a list of item number, name, columns … #}
{% macro panel_sums(panel) -%}
    {%- set found = [] -%}
    {%- for item in panel['items'] -%}
        {%- set number = loop.index -%}
        {%- for measure in item.get('measures', []) -%}
            {%- if 'each' in measure -%}
                {%- for column, label in panel.families[measure.each].items() if column not in measure.get('except', []) -%}
                    {%- do found.append({'item': number, 'name': label, 'columns': [column], 'declared': measure}) -%}
                {%- endfor -%}
            {%- elif 'sums' in measure -%}
                {%- set family, columns = (measure.sums.items() | list)[0] -%}
                {%- set columns = panel.families[family].keys() | list if columns == 'all' else columns -%}
                {%- do found.append({'item': number, 'name': measure.name, 'columns': columns, 'declared': measure}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# The declared measures that are ratios of two sums. #}
{% macro panel_ratios(panel) -%}
    {%- set found = [] -%}
    {%- for item in panel['items'] -%}
        {%- set number = loop.index -%}
        {%- for measure in item.get('measures', []) if 'ratio' in measure -%}
            {%- do found.append({'item': number, 'name': measure.name, 'declared': measure}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# All base columns of all families. #}
{% macro panel_columns(panel) -%}
    {%- set found = [] -%}
    {%- for family in panel.families.values() -%}
        {%- for column in family -%}{%- do found.append(column) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
