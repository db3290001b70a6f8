-- What hurts most, since when, and what is solving it worth?
select locale, told, worth, worth_at_least, worth_at_most, users, opened, how, problem_id
from problems
where status = 'open'
order by worth desc nulls last, locale, told
limit 30
