-- For a wording that fails, the one that works better, both said by k users or more.
-- locale: BCP 47 tag
-- source: wording that fails
-- target: wording that works better
-- p_better: probability that the target succeeds more often, 0 to 1
-- users: distinct users who moved from source to target; null where fewer than k
-- occurrences: times it was seen; null where fewer than k users
-- holdout: share of the source's turns to leave alone, at random
-- began: night since which it runs
select
    r.locale,
    r.source,
    r.target,
    r.p_better,
    case when r.users >= $k then r.users end as users,
    case when r.users >= $k then r.occurrences end as occurrences,
    r.holdout,
    cast(r.began as date) as began
from lake_rewrites as r
inner join lake_wordings as s on r.locale = s.locale and r.source = s.utterance and s.users >= $k
inner join lake_wordings as t on r.locale = t.locale and r.target = t.utterance and t.users >= $k
order by p_better desc, locale, source
