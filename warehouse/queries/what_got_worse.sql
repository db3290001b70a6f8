-- What got worse since a day (--since; three days ago where not given)? Intents whose share of failed turns rose.
-- Days on which fewer than k users failed count as without failures; `withheld` is the share of turns on them, half at most.
with parts as (
    select
        locale, intent, turns, coalesce(defects, 0) as defects, defects is null as withheld,
        day >= coalesce(cast($since as date), (select max(day) - 2 from days)) as later
    from intents
),
shares as (
    select
        locale, intent,
        sum(turns) filter (later)::bigint as turns,
        sum(defects) filter (not later) / sum(turns) filter (not later) as before,
        sum(defects) filter (later) / sum(turns) filter (later) as since,
        sum(turns) filter (withheld) / sum(turns) as withheld
    from parts
    group by locale, intent
)
select
    locale, coalesce(intent, '(no hypothesis)') as intent, turns,
    round(before, 3) as failed_before, round(since, 3) as failed_since, round(since - before, 3) as worse_by,
    round(coalesce(withheld, 0), 2) as withheld
from shares
where since > before and coalesce(withheld, 0) <= 0.5
order by (since - before) * turns desc, locale, intent
limit 20
