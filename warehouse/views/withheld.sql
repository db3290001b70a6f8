-- What was withheld, by night, stage and reason.
-- night: night
-- stage: where it was withheld: door, mining, labels, training set, warehouse
-- reason: why
-- rows: how many rows, turns or wordings, to a multiple of k; null where fewer than k
select
    cast(day as date) as night,
    stage,
    reason,
    few(rows) as rows
from lake_withheld
where reason not like '%user who was forgotten'
union all
select cast(day as date) as night, stage, reason, few(rows) as rows
from lake_suppressed
