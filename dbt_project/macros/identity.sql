{# A feed's rows with its people resolved: in every slot `<id>_id` is the person meant, whatever number the row bears or
   lacks, and `<id>_link_method` says how it was found (number, digest, repaired, masked, guardian, linked; none where
   it is somebody unknown). A row whose number many people use is read as if it had none. The slots are those of the
   contract, as the staging model's meta states them. #}
{% macro resolved(feed) -%}
    {%- set staged = ref('stg_' ~ feed) -%}
    {%- set redirect = source('identity', 'redirect') -%}
    {%- set mention_row = source('identity', 'mention_row') -%}
    {%- set people = [] -%}
    {%- if execute -%}
        {%- set people = graph.nodes['model.' ~ project_name ~ '.stg_' ~ feed].config.meta.people -%}
    {%- endif -%}
(
    select
        s.* {%- if people %} replace (
            {%- for person in people %}
            coalesce(m{{ loop.index }}.person_id, r{{ loop.index }}.person_id, s.{{ person.id }}_id) as {{ person.id }}_id {{- ',' if not loop.last }}
            {%- endfor %}
        ),
        {%- for person in people %}
        coalesce(m{{ loop.index }}.method, case when s.{{ person.id }}_id is not null then 'number' end) as {{ person.id }}_link_method {{- ',' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    from {{ staged }} as s
    {%- for person in people %}
    left join {{ redirect }} as r{{ loop.index }} on r{{ loop.index }}.person_key = s.{{ person.id }}_id
    left join {{ mention_row }} as m{{ loop.index }}
        on m{{ loop.index }}.feed = '{{ feed | upper }}' and m{{ loop.index }}.slot = '{{ person.slot }}'
        and m{{ loop.index }}._business_on = s._business_on and m{{ loop.index }}._delivery = s._delivery
        and m{{ loop.index }}._file = s._file and m{{ loop.index }}._line = s._line
    {%- endfor %}
)
{%- endmacro %}
