-- Which locale was launched badly? Its first week beside the rest of its time, and beside all others.
with first_day as (select locale, min(day) as launched from days group by locale),
rated as (
    select d.locale, f.launched, d.day < f.launched + 7 as early, d.turns, d.defects
    from days as d
    inner join first_day as f on d.locale = f.locale
    where d.defects is not null
)
select
    locale, launched,
    round(sum(defects) filter (early) / sum(turns) filter (early), 3) as failed_first_week,
    round(sum(defects) filter (not early) / sum(turns) filter (not early), 3) as failed_since,
    round((select sum(o.defects) / sum(o.turns) from rated as o where o.locale <> r.locale), 3) as failed_elsewhere
from rated as r
group by locale, launched
order by failed_first_week desc nulls last, locale
