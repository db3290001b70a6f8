-- What became of clusters that are published, that night or the night before; those of one wording are left out.
-- night: night
-- cluster_id: cluster
-- event: born, split (from another), merged (into another) or died
-- other_id: the cluster that it split from or went into; null where that is not published
-- users: distinct users of its wordings that night, to a multiple of k; null below k
select cast(day as date) as night, cluster_id, event, other_id, few(users) as users
from lake_released_lineage
