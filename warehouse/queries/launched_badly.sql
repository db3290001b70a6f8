-- Which locale was launched badly? Locales that began within the window: their first week, what came since, and all others.
-- Days on which fewer than k users failed count as without failures; `withheld` is the share of turns on them.
with first_day as (select locale, min(day) as launched from days group by locale),
rated as (
    select d.locale, f.launched, d.day < f.launched + 7 as early, d.turns, coalesce(d.defects, 0) as defects, d.defects is null as withheld
    from days as d
    inner join first_day as f on d.locale = f.locale
),
launches as (
    select
        locale, launched,
        sum(defects) filter (early) / sum(turns) filter (early) as first_week,
        sum(defects) filter (not early) / sum(turns) filter (not early) as since,
        sum(turns) filter (withheld) / sum(turns) as withheld
    from rated
    where launched > (select min(day) from days)
    group by locale, launched
)
select
    l.locale, l.launched,
    round(l.first_week, 3) as failed_first_week,
    round(l.since, 3) as failed_since,
    round((select sum(o.defects) / sum(o.turns) from locale_totals as o where o.locale <> l.locale), 3) as failed_elsewhere,
    round(coalesce(l.withheld, 0), 2) as withheld
from launches as l
order by first_week desc nulls last, l.locale
