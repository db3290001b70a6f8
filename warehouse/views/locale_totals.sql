-- Locales over the whole window, with k users or more: how much was said, and how it went. Days that the view `days`
-- withholds are counted here.
-- locale: BCP 47 tag
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- defects: turns that failed their users, expected number; null where those of fewer than k users did
-- defects_at_least: share of turns that failed, which it exceeds in nineteen cases of twenty; 0 to 1
-- defects_at_most: what that share does not exceed in nineteen cases of twenty
-- failures: turns that the assistant itself believes failed; null where of fewer than k users
select locale, turns, users, said_again, defects, defects_at_least, defects_at_most, failures
from heard
where not pooled and day = 'all' and intent = '*'
