-- Rewrites that run or ran: whether treated turns show that they help. Those to which k users or more moved, or whose
-- arms have k users or more.
-- locale: BCP 47 tag
-- source: wording that fails
-- target: wording that runs instead
-- status: live, or withdrawn
-- began: night since which it runs, or ran
-- until: night of its withdrawal; null where it runs
-- withdrawals: times it was withdrawn
-- since: day after which its turns count: of its beginning, or of the last change
-- holdout: share of the source's turns to leave alone, at random, 0 to 1
-- p_worse: probability that it is worse than leaving the wording alone, 0 to 1; null where an arm has fewer than k users
select
    f.locale,
    s.shown as source,
    t.shown as target,
    cast(f.status as varchar) as status,
    cast(f.began as date) as began,
    cast(f.until as date) as until,
    f.withdrawals,
    cast(f.since as date) as since,
    f.holdout,
    case when f.treated >= $k and f.alone >= $k then share(f.p_worse) end as p_worse
from lake_rewrite_experiments as f
inner join said as s on f.locale = s.locale and f.source = s.utterance
inner join said as t on f.locale = t.locale and f.target = t.utterance
left join lake_released_transitions as m on f.locale = m.locale and s.shown = m.source and t.shown = m.target
where s.shown <> t.shown and (m.users >= $k or (f.treated >= $k and f.alone >= $k))
qualify row_number() over (partition by f.locale, s.shown, t.shown order by f.treated desc, f.source, f.target) = 1
