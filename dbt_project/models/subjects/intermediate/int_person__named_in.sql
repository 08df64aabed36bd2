-- Where feeds name somebody whom the base does not know: the village the row states, else the one its address leads to.
-- Only feeds by whose word a village may hear of a person (`verification` in dbt_project.yml).
{% set parts = [] %}
-- Slots are known only when the project is parsed: what they need is named before.
-- depends_on: {{ ref('stg_b03') }}, {{ source('identity', 'dwelling_link') }}, {{ source('identity', 'redirect') }}
-- depends_on: {{ source('identity', 'mention_row') }}
{%- for feed in var('verification').named_by %}
-- depends_on: {{ ref('stg_' ~ feed | lower) }}
{%- endfor %}
{% if execute %}
    {%- for feed in var('verification').named_by %}
        {%- for slot in graph.nodes['model.' ~ project_name ~ '.stg_' ~ feed | lower].config.meta.people %}
            {%- do parts.append({'feed': feed, 'id': slot.id, 'slot': slot.slot, 'village': slot.get('village')}) %}
        {%- endfor %}
    {%- endfor %}
{% endif %}
with named as (
    {%- for part in parts %}
    select
        r.{{ part.id }}_id as person_id,
        '{{ part.feed }}' as feed,
        coalesce({{ 'v.village_code, ' if part.village }}a.village_code) as village_code
    from {{ resolved(part.feed | lower) }} as r
        {%- if part.village %}
    left join {{ ref('stg_b03') }} as v on v.village_code = r.{{ part.village }}
        {%- endif %}
    left join {{ addressed(part.feed, part.slot) }} as a on {{ same_row('a', 'r') }}
    where r.{{ part.id }}_id is not null
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as person_id, null::varchar as feed, null::varchar as village_code
    {%- endfor %}
)
select n.person_id, n.village_code, list_sort(list(distinct n.feed)) as feeds
from named as n
inner join {{ ref('int_person') }} as p on p.person_id = n.person_id
where p.known_by <> 'base' and p.is_living and n.village_code is not null
group by n.person_id, n.village_code
