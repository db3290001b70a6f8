-- Days of a locale with k users or more: how much was said, and how much of it was said again.
-- day: day, UTC
-- locale: BCP 47 tag
-- turns: turns
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- defects: turns that failed their users, expected number; null where said_again is
-- failures: turns that the assistant itself believes failed; null where of fewer than k users
select
    cast(d.day as date) as day,
    d.locale,
    d.turns,
    d.users,
    case when d.users_again >= $k then d.said_again end as said_again,
    case when d.users_again >= $k then f.defects end as defects,
    case when d.users_failed >= $k then d.failures end as failures
from lake_daily as d
left join lake_daily_defects as f on d.day = f.day and d.locale = f.locale
where d.users >= $k
order by day, d.locale
