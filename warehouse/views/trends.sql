-- What more people say than in the weeks before, or fewer, and not by chance, as the newest night found it: words (of
-- scripts without spaces pairs and triples of characters) and clusters, of k users or more. One change in twenty may be none.
-- locale: BCP 47 tag
-- kind: term or cluster
-- term: the term; null of clusters, and where no published wording holds it
-- cluster_id: the cluster; null of terms, and where fewer than k users have it
-- example: its most said wording, as it may be shown; null where that is not published
-- change: appeared (nobody said it before), rising, falling or gone (nobody does any more)
-- since: night since which it is known
-- users: distinct users of the newest 7 days, to a multiple of k; null below k
-- ratio: how often it is said now, by what it was before, to two digits; null of what appeared
-- at_least: what the ratio exceeds in 19 of 20 cases, to two digits
-- at_most: what it does not exceed in 19 of 20 cases, to two digits; null of what appeared
select
    c.locale,
    c.kind,
    case when c.kind = 'term' and contains(lower(s.shown), c.unit) then c.unit end as term,
    u.cluster_id,
    s.shown as example,
    c.change,
    cast(c.since as date) as since,
    few(c.users_now) as users,
    case when c.change <> 'appeared' then rough(c.ratio) end as ratio,
    rough(c.at_least) as at_least,
    case when c.change <> 'appeared' then rough(c.at_most) end as at_most
from lake_trends as c
left join said as s on c.locale = s.locale and c.utterance = s.utterance
left join lake_cluster_users as u on c.kind = 'cluster' and c.unit = u.cluster_id and u.users >= $k
where c.users >= $k
