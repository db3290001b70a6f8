-- Which wishes are worded in the most ways?
select locale, coalesce(name, representative) as wish, wordings, users, turns
from clusters
where wordings > 1
order by wordings desc, users desc, locale, cluster_id
limit 20
