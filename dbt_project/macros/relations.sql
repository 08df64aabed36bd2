{# What a code of GB/T 4761 makes of a person, seen from the person the code refers to. #}
{% macro relation_class(code) -%}
    case
        when {{ code }} in ('00', '01', '02') then 'self'
        when {{ code }} between '10' and '12' then 'spouse'
        when {{ code }} in ('28', '38') then 'child_in_law'
        when {{ code }} between '20' and '39' then 'child'
        when {{ code }} in ('45', '46') then 'grandchild_in_law'
        when {{ code }} in ('47', '48') then 'great_grandchild'
        when {{ code }} between '40' and '49' then 'grandchild'
        when {{ code }} between '50' and '52' then 'parent'
        when {{ code }} between '53' and '56' then 'parent_in_law'
        when {{ code }} between '60' and '69' then 'grandparent'
        when {{ code }} between '70' and '79' then 'sibling'
        when {{ code }} = '99' then 'none'
        when {{ code }} is not null then 'other'
    end
{%- endmacro %}

{# Generations above (positive) or below the person the code refers to; null where the code does not say. #}
{% macro generation_of(class) -%}
    case {{ class }}
        when 'grandparent' then 2
        when 'parent' then 1
        when 'parent_in_law' then 1
        when 'self' then 0
        when 'spouse' then 0
        when 'sibling' then 0
        when 'child' then -1
        when 'child_in_law' then -1
        when 'grandchild' then -2
        when 'grandchild_in_law' then -2
        when 'great_grandchild' then -3
    end
{%- endmacro %}

{# Words of a declaration as a list in parentheses. #}
{% macro among(words) -%}
    ({% for word in words %}'{{ word }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
