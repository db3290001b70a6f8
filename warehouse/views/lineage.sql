-- What became of clusters from night to night; clusters of one wording are left out.
-- night: night
-- cluster_id: cluster
-- event: born, split (from another), merged (into another) or died
-- other_id: the cluster that it split from or went into; null where it was born or died
-- users: users of the wordings that this is about, a user counted for each, to a multiple of k; null below k
select cast(day as date) as night, cluster_id, event, other_id, few(users) as users
from lake_lineage
