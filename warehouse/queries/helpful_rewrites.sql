-- Which rewrites would help?
select locale, source, target, round(p_better, 2) as p_better, users
from rewrites
where p_better >= 0.8
order by users desc nulls last, p_better desc, source
limit 20
