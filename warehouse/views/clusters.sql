-- Clusters of wordings that mean the same, each with a wording said by k users or more.
-- locale: BCP 47 tag
-- cluster_id: cluster; keeps its id while it lives on
-- name: what a person calls it, if anyone named it
-- verdict: what a person decided about it: accepted or rejected
-- representative: its most said wording
-- wordings: published wordings in it
-- users: most distinct users of one of its wordings
-- turns: times its published wordings were said
select
    c.locale,
    c.cluster_id,
    any_value(v.name) as name,
    any_value(v.verdict) as verdict,
    arg_max(c.utterance, struct_pack(users := w.users, utterance := c.utterance)) as representative,
    count(*) as wordings,
    max(w.users) as users,
    cast(sum(w.turns) as bigint) as turns
from lake_clusters as c
inner join lake_wordings as w on c.locale = w.locale and c.utterance = w.utterance
left join lake_verdicts as v on c.cluster_id = v.cluster_id
where w.users >= $k
group by c.locale, c.cluster_id
order by turns desc, c.locale, c.cluster_id
