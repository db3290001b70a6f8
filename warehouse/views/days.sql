-- Days of a locale with k users or more: how much was said, and how much of it was said again.
-- day: day, UTC
-- locale: BCP 47 tag
-- turns: turns
-- users: distinct users
-- said_again: turns that were said again, expected number
-- failures: turns that the assistant itself believes failed; null where fewer than k
select cast(day as date) as day, locale, turns, users, said_again, case when failures >= $k or failures = 0 then failures end as failures
from lake_daily
where users >= $k
order by day, locale
