-- Days of a locale with k users or more: how much was said, how much of it was said again, and failed.
-- day: day, UTC
-- locale: BCP 47 tag
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- defects: turns that failed their users, expected number; null where said_again is
-- defects_at_least: share of turns that failed, which it exceeds in nineteen cases of twenty; 0 to 1
-- defects_at_most: what that share does not exceed in nineteen cases of twenty
-- failures: turns that the assistant itself believes failed; null where of fewer than k users
with counted as (
    select
        cast(d.day as date) as day,
        d.locale,
        few_of(d.turns, d.users) as turns,
        few(d.users) as users,
        few_of(d.said_again, d.users_again) as said_again,
        few_of(f.defects, d.users_again) as defects,
        few_of(d.failures, d.users_failed) as failures
    from lake_daily as d
    left join lake_daily_defects as f on d.day = f.day and d.locale = f.locale
    where d.users >= $k
)
select
    day, locale, turns, users, said_again, defects,
    at_least(defects, turns) as defects_at_least,
    at_most(defects, turns) as defects_at_most,
    failures
from counted
