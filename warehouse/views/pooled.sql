-- Locales together, by day and by intent: all of them, and as one those that are too small for a share of failed turns of their
-- own (of fewer than k users, or of fewer whose turns failed). Of fewer than k users together there is no row.
-- locales: all, or small locales (how many there are)
-- day: day, UTC; null where it is the window
-- intent: what the assistant heard, all of all, none where it had no hypothesis
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users
-- said_again: turns that were said again, expected number; null where fewer than k users did
-- defects: turns that failed their users, expected number; null where those of fewer than k users did
-- defects_at_least: share of turns that failed, which it exceeds in nineteen cases of twenty; 0 to 1
-- defects_at_most: what that share does not exceed in nineteen cases of twenty
select
    locale as locales,
    cast(nullif(day, 'all') as date) as day,
    case intent when '*' then 'all' when '' then 'none' else intent end as intent,
    turns, users, said_again, defects, defects_at_least, defects_at_most
from heard
where pooled
