-- Wordings by cluster, each said by k users or more, as they may be shown.
-- locale: BCP 47 tag
-- cluster_id: cluster; keeps its id while it lives on; null where fewer than k users have it
-- utterance: wording, numbers, addresses and names masked; those that differ in nothing else are one
-- users: distinct users who said it, to a multiple of k
-- turns: times it was said in the window, to a multiple of k
-- central: the wording that stands for the cluster; null without a cluster
-- similarity: cosine to the cluster's centre, -1 to 1; null without a cluster
with placed as (
    select
        c.locale,
        u.cluster_id,
        c.utterance,
        case when u.cluster_id is not null then c.central end as central,
        case when u.cluster_id is not null then c.similarity end as similarity
    from lake_clusters as c
    left join lake_cluster_users as u on c.cluster_id = u.cluster_id and u.users >= $k
)
select
    c.locale,
    c.cluster_id,
    s.shown as utterance,
    few(max(s.users)) as users,
    few_of(max(s.turns), max(s.users)) as turns,
    bool_or(c.central) as central,
    share(max(c.similarity)) as similarity
from placed as c
inner join said as s on c.locale = s.locale and c.utterance = s.utterance
group by c.locale, c.cluster_id, s.shown
