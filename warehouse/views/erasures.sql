-- Proof that something was erased. How much is not told: it would tell of one user.
-- day: day on which it was done
-- kind: user (a user's wish) or age (older than the retention)
-- before: day before which everything was erased; null of a user
select cast(day as date) as day, cast(kind as varchar) as kind, cast(before as date) as before
from lake_erasures
