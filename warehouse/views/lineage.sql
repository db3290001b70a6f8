-- What became of clusters from night to night; clusters of one wording are left out.
-- night: night
-- cluster_id: cluster
-- event: born, split (from another), merged (into another) or died
-- other_id: the cluster that it split from or went into
-- users: users of the wordings that this is about, a user counted for each; null below k
select
    cast(day as date) as night,
    cluster_id,
    event,
    other_id,
    case when users >= $k then users end as users
from lake_lineage
order by night, event, cluster_id
