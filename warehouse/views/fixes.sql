-- Rewrites that run or ran: whether treated turns show that they help. Both wordings said by k users
-- or more.
-- locale: BCP 47 tag
-- source: wording that fails
-- target: wording that runs instead
-- status: live, or withdrawn
-- began: night since which it runs, or ran
-- until: night of its withdrawal
-- withdrawals: times it was withdrawn
-- since: day after which its turns count: of its beginning, or of the last change
-- holdout: share of the source's turns to leave alone, at random
-- p_worse: probability that it is worse than leaving the wording alone; null where an arm has fewer than k users
select
    f.locale,
    f.source,
    f.target,
    cast(f.status as varchar) as status,
    cast(f.began as date) as began,
    cast(f.until as date) as until,
    f.withdrawals,
    cast(f.since as date) as since,
    f.holdout,
    case when f.treated >= $k and f.alone >= $k then f.p_worse end as p_worse
from lake_fixes as f
inner join lake_wordings as s on f.locale = s.locale and f.source = s.utterance and s.users >= $k
inner join lake_wordings as t on f.locale = t.locale and f.target = t.utterance and t.users >= $k
order by f.locale, f.source, f.target
