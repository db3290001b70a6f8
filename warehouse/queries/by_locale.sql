-- Which locale fails its users most?
select locale, sum(turns)::bigint as turns, round(sum(said_again) / sum(turns), 3) as share_said_again
from days
group by locale
order by share_said_again desc
