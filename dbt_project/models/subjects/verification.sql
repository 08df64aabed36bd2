-- What the records leave in doubt and somebody has to ask: one row a question, for the village that can ask it.
with resident as (
    -- A question about a person is asked where they live, else where they are registered.
    select person_id, name, coalesce(res_village_code, hukou_village_code) as village_code
    from {{ ref('int_person') }}
    where is_living and coalesce(res_village_code, hukou_village_code) is not null
),
conflict as (
    select
        r.village_code,
        'conflict' as kind,
        c.person_id,
        c.attribute,
        [any_value(c.kept_feed)] as feeds,
        list(distinct c.other_feed order by c.other_feed) as other_feeds,
        min(c.other_known_on) as since_on
    from {{ ref('person_conflict') }} as c
    inner join resident as r on r.person_id = c.person_id
    group by r.village_code, c.person_id, c.attribute
),
suspicion as (
    select r.village_code, s.kind, s.person_id, s.other_id, s.since_on
    from {{ ref('person_suspicion') }} as s
    inner join resident as r on r.person_id = s.person_id
),
stranger as (
    -- Somebody of whom no name is told cannot be asked for; who may be a known person is asked for with that person.
    select n.village_code, 'unknown_person' as kind, n.person_id, n.feeds, h.since_on
    from {{ ref('int_person__named_in') }} as n
    inner join {{ ref('int_person') }} as p on p.person_id = n.person_id
    left join (
        select person_id, min(happened_on) as since_on from {{ ref('person_id_history') }} group by person_id
    ) as h on h.person_id = n.person_id
    where p.name is not null
        and n.person_id not in (select person_id from {{ ref('person_suspicion') }} where kind = 'perhaps_known')
),
unhoused as (
    select
        p.res_village_code as village_code,
        'no_dwelling' as kind,
        p.person_id,
        case when p.res_address_source is not null then [p.res_address_source] end as feeds,
        p.res_address as address,
        min(case when p.res_address is null then 'empty' else a.reason end) as reason
    from {{ ref('int_person') }} as p
    left join {{ ref('stg_b02') }} as h on h.dwelling_id = p.res_dwelling_id
    left join {{ source('identity', 'address_place') }} as a on a.address = p.res_address
    where p.is_living and p.res_village_code is not null and h.dwelling_id is null
    group by all
),
-- Addresses that should be dwellings of the base and lead to none.
unread as (
    {%- for place in var('verification').addresses %}
    select
        coalesce(l.village_code, l.stated_village_code) as village_code,
        'unread_address' as kind,
        ['{{ place.feed }}'] as feeds,
        f.{{ place.row }} as row_id,
        f.{{ place.address }} as address,
        l.reason,
        l._business_on as since_on
    from {{ addressed(place.feed, place.slot) }} as l
    inner join {{ ref('stg_' ~ place.feed | lower) }} as f on {{ same_row('f', 'l') }}
    where l.dwelling_id is null and l.reason not in ('outside', 'empty')
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),
asked as (
    select * from conflict
    union all by name
    select * from suspicion
    union all by name
    select * from stranger
    union all by name
    select * from unhoused
    union all by name
    select distinct on (feeds, row_id) * from unread where village_code is not null order by feeds, row_id, address
)
select
    -- Letters only: eleven digits in a row would read like a telephone number to whoever looks for one.
    translate(
        md5(concat_ws('|', kind, village_code, person_id, other_id, attribute, row_id, array_to_string(feeds, ','))),
        '0123456789', 'ghijklmnop'
    ) as verification_id,
    village_code,
    kind,
    person_id,
    other_id,
    attribute,
    feeds,
    other_feeds,
    address,
    reason,
    since_on
from asked
