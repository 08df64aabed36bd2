{# The date the run speaks about; there is no other clock in the models. #}
{% macro as_of() -%}
    (select as_of from {{ source('run', 'context') }})
{%- endmacro %}

{# Full years; 29 February's children are a year older on 1 March. The same words as `age_sql` in
   pipelines/identifiers/age.py: a test compares them. #}
{% macro age_on(birth, as_of) -%}
(case when {{ as_of }} >= {{ birth }} then year({{ as_of }}) - year({{ birth }}) - case when (month({{ as_of }}) * 100 + day({{ as_of }})) < (month({{ birth }}) * 100 + day({{ birth }})) then 1 else 0 end end)
{%- endmacro %}
