-- Which rewrites run, and what do their own turns show?
select status, locale, source, target, began, until, withdrawals, p_worse
from rewrite_experiments
order by status, began desc, locale, source
limit 40
