select feed, is_available, is_stale, business_on, accepted_rows
from {{ source('lake', 'feed_status') }}
