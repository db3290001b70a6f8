-- What was withheld, by night, stage and reason. Wordings below k are counted for the newest night.
-- night: night
-- stage: where it was withheld
-- reason: why
-- rows: how many rows; null where fewer than k
select cast(day as date) as night, stage, reason, case when rows >= $k then rows end as rows
from lake_withheld
union all
select
    (select cast(max(day) as date) from lake_withheld) as night,
    'warehouse' as stage,
    'wordings said by fewer than ' || $k || ' users' as reason,
    case when count(*) >= $k then count(*) end as rows
from lake_wordings
where users < $k
having count(*) > 0
order by night, stage, reason
