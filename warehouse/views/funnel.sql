-- What was left after each step of a night, from log rows to published wordings.
-- night: night
-- place: which step, from 0
-- step: what was left
-- unit: rows, turns or wordings
-- count: how many, to a multiple of k; null below k
select cast(day as date) as night, place, step, unit, few(count) as count
from lake_funnel
