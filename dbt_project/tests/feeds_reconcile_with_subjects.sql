{{ config(meta={'dagster': {'ref': {'name': 'unplaced'}}}) }}
-- A returned row is a feed whose accepted rows are not all accounted for: placed, unplaced or silent.
select u.feed, u.target, u.via, u.rows_in_use, f.accepted_rows
from {{ ref('unplaced') }} as u
inner join {{ ref('feed_status') }} as f on f.feed = u.feed
where u.rows_in_use <> u.rows_placed + u.rows_unplaced + u.rows_silent
    -- An increment says less than it delivers: later words replace earlier ones.
    or u.rows_in_use > f.accepted_rows
    or (u.rows_in_use < f.accepted_rows and u.feed not in (
        {%- for feed in var('increment_feeds') %}'{{ feed }}'{{ ', ' if not loop.last }}{% endfor %}))
    -- Everyone whom a row names is a person.
    or (u.target = 'person' and u.rows_unplaced > 0)
