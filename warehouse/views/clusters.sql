-- Clusters of wordings that mean the same, of k users or more, each with a wording said by k users or more.
-- locale: BCP 47 tag
-- cluster_id: cluster; keeps its id while it lives on
-- name: what a person calls it; null where nobody named it
-- verdict: what a person decided about it: accepted or rejected; null where nobody did
-- representative: its most said wording
-- wordings: published wordings in it
-- users: most distinct users of one of its wordings, to a multiple of k
-- turns: times its published wordings were said in the window, to a multiple of k
-- x: place on the map of clusters, to the right; -1 to 1, near ones are said alike; null of small ones
-- y: place on the map, upwards; -1 to 1
select
    c.locale,
    c.cluster_id,
    any_value(v.name) as name,
    any_value(v.verdict) as verdict,
    first(c.utterance order by c.users desc, c.central desc, c.utterance) as representative,
    count(*) as wordings,
    max(c.users) as users,
    cast(sum(c.turns) as bigint) as turns,
    any_value(p.x) as x,
    any_value(p.y) as y
from data.variants as c
left join lake_cluster_reviews as v on c.cluster_id = v.cluster_id
left join lake_cluster_map as p on c.cluster_id = p.cluster_id
where c.cluster_id is not null
group by c.locale, c.cluster_id
