-- Which locale fails its users most?
select
    locale,
    sum(turns)::bigint as turns,
    round(sum(said_again) / sum(turns) filter (said_again is not null), 3) as said_again,
    round(sum(defects) / sum(turns) filter (defects is not null), 3) as failed
from days
group by locale
order by failed desc nulls last, locale
