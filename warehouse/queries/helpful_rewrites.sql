-- Which rewrites would help?
select locale, source, target, p_better, users
from rewrites
where p_better >= 0.8
order by users desc nulls last, p_better desc, locale, source
limit 20
