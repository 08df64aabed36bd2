{{ config(meta={'dagster': {'ref': {'name': 'person_period'}}}) }}
-- A returned row is a promise about time that is broken, in words, with how often. Ends of intervals are not included.
with version as (
    select
        v.person_id,
        v.known_from_on,
        v.known_to_on,
        lead(v.known_from_on) over (partition by v.person_id order by v.known_from_on) as next_from_on,
        s.known_from_on as running_from_on
    from {{ ref('person_version') }} as v
    left join {{ ref('person_source') }} as s on s.person_id = v.person_id
),
-- What is over and what runs, of everybody and every attribute with something that is over; the rest is one interval.
period as (
    select row_number() over () as n, p.*
    from {{ source('identity', 'period') }} as p
    semi join {{ ref('person_period') }} as o
        on o.person_id = p.person_id
        and o.attribute = case p.attribute when 'spouse_key' then 'spouse_id' else p.attribute end
),
promise as (
    select 'a version that ends before it begins' as broken, count(*) as cases
    from version
    where known_to_on <= known_from_on
    union all
    select 'two versions of a person that were known at one time', count(*)
    from version
    where known_to_on > coalesce(next_from_on, running_from_on)
    union all
    select 'an interval that ends before it begins', count(*)
    from period
    where valid_to_on <= valid_from_on or known_to_on <= known_from_on
    union all
    select 'two values of an attribute that were true on one day, as known on one day', count(*)
    from period as one
    inner join period as other
        on other.person_id = one.person_id and other.attribute = one.attribute and other.n > one.n
        and coalesce(other.valid_from_on < one.valid_to_on, true) and coalesce(one.valid_from_on < other.valid_to_on, true)
        and coalesce(other.known_from_on < one.known_to_on, true) and coalesce(one.known_from_on < other.known_to_on, true)
    union all
    select 'something known after the date of the run', count(*)
    from period
    cross join {{ source('run', 'context') }} as c
    where known_from_on > c.as_of or known_to_on > c.as_of
    union all
    select 'an attribute through time that a person has not', count(*)
    from {{ ref('person_period') }}
    where attribute not in {{ registered_columns('person') }}
    union all
    select 'an id that was merged into another and is a person still', count(*)
    from (
        select other_id
        from {{ ref('person_id_history') }}
        where event in ('merged', 'split')
        qualify row_number() over (partition by other_id order by happened_on desc, event = 'merged' desc) = 1
            and event = 'merged'
    ) as gone
    inner join {{ ref('person') }} as p on p.person_id = gone.other_id
)
select * from promise where cases > 0
