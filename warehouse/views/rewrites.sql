-- For a wording that fails, the one that works better, where k users or more moved from the one to the other. Numbers, addresses and names are
-- masked; what the assistant is to run lies unmasked in the lake's table of this name.
-- locale: BCP 47 tag
-- source: wording that fails
-- target: wording that works better
-- p_better: probability that the target succeeds more often, 0 to 1
-- users: distinct users who moved from source to target, to a multiple of k
-- occurrences: times it was seen, to a multiple of k
-- holdout: share of the source's turns to leave alone, at random, 0 to 1
-- began: night since which it runs
select
    r.locale,
    s.shown as source,
    t.shown as target,
    share(arg_max(r.p_better, r.users)) as p_better,
    few(max(m.users)) as users,
    few_of(max(m.occurrences), max(m.users)) as occurrences,
    arg_max(r.holdout, r.users) as holdout,
    cast(min(r.began) as date) as began
from lake_rewrites as r
inner join said as s on r.locale = s.locale and r.source = s.utterance
inner join said as t on r.locale = t.locale and r.target = t.utterance
inner join lake_released_transitions as m on r.locale = m.locale and s.shown = m.source and t.shown = m.target
where s.shown <> t.shown and m.users >= $k
group by r.locale, s.shown, t.shown
