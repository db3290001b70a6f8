-- What do more people say than before, or fewer?
select locale, change, coalesce(term, example) as what, example, users, at_least, ratio, at_most, since
from trends
where term is not null or (kind = 'cluster' and example is not null)
order by since desc, change in ('falling', 'gone'), at_least desc, locale, what
limit 30
