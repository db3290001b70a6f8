-- Days of an intent that the assistant heard, with k users or more: how much was said, and how it went.
-- day: day, UTC
-- locale: BCP 47 tag
-- intent: what the assistant heard; null where it had no hypothesis
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- defects: turns that failed their users, expected number; null where those of fewer than k users did
-- defects_at_least: share of turns that failed, which it exceeds in nineteen cases of twenty; 0 to 1
-- defects_at_most: what that share does not exceed in nineteen cases of twenty
with counted as (
    select
        cast(day as date) as day,
        locale,
        nullif(intent, '') as intent,
        few_of(turns, users) as turns,
        few(users) as users,
        few_of(said_again, users_again) as said_again,
        few_of(defects, users_failed) as defects
    from lake_daily_intents
    where users >= $k and intent <> '*' and day <> 'all'
)
select
    day, locale, intent, turns, users, said_again, defects,
    at_least(defects, turns) as defects_at_least,
    at_most(defects, turns) as defects_at_most
from counted
