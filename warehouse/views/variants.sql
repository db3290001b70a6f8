-- Wordings by cluster, each said by k users or more.
-- locale: BCP 47 tag
-- cluster_id: cluster; keeps its id while it lives on
-- utterance: wording
-- users: distinct users who said it
-- turns: times it was said
-- central: the wording that stands for the cluster
-- similarity: cosine to the cluster's centre
select
    c.locale,
    c.cluster_id,
    c.utterance,
    w.users,
    w.turns,
    c.central,
    c.similarity
from lake_clusters as c
inner join lake_wordings as w on c.locale = w.locale and c.utterance = w.utterance
where w.users >= $k
order by c.locale, c.cluster_id, w.users desc, c.utterance
