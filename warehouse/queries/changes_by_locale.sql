-- In which locales do words change, and how?
select locale, change, cast(count(*) filter (where kind = 'term') as bigint) as terms,
    cast(count(*) filter (where kind = 'cluster') as bigint) as clusters, max(since) as last_found
from trends
group by locale, change
order by terms + clusters desc, locale, change
