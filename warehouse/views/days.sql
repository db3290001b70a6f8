-- Days of a locale with k users or more: how much was said, and how much of it was said again.
-- day: day, UTC
-- locale: BCP 47 tag
-- turns: turns
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- failures: turns that the assistant itself believes failed; null where of fewer than k users
select
    cast(day as date) as day,
    locale,
    turns,
    users,
    case when users_again >= $k then said_again end as said_again,
    case when users_failed >= $k then failures end as failures
from lake_daily
where users >= $k
order by day, locale
