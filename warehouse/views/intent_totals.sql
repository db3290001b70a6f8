-- Intents that the assistant heard over the whole window, with k users or more: how much was said, and how it went.
-- Cells that the view `intents` withholds by the day are counted here.
-- locale: BCP 47 tag
-- intent: what the assistant heard; null where it had no hypothesis
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- defects: turns that failed their users, expected number; null where those of fewer than k users did
-- defects_at_least: share of turns that failed, which it exceeds in nineteen cases of twenty; 0 to 1
-- defects_at_most: what that share does not exceed in nineteen cases of twenty
select
    locale,
    nullif(intent, '') as intent,
    turns, users, said_again, defects, defects_at_least, defects_at_most
from heard
where not pooled and day = 'all' and intent <> '*'
