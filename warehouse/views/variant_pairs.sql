-- Two wordings for one goal, said by k users or more each, with what binds them: one cluster, one hypothesis, or k
-- users or more.
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- variant: another wording for the same
-- users: distinct users who said either, to a multiple of k
-- moved: users who went from one to the other, to a multiple of k; null where fewer than k
-- ended_alike: users of the rarer one who ended where users of the other did, to a multiple of k; null where fewer than k
-- same_cluster: both lie in one cluster
-- same_outcome: one hypothesis serves both
-- similarity: cosine of the two, -1 to 1; null where they are not neighbours
with one_shown as materialized (  -- else both sides are joined by their locale first, to the square of what is said
    select v.*, s.shown
    from lake_variants as v
    inner join said as s on v.locale = s.locale and v.utterance = s.utterance
)

select
    v.locale,
    v.shown as utterance,
    s.shown as variant,
    few(max(v.users)) as users,
    few(max(v.moved)) as moved,
    few(max(v.ended_alike)) as ended_alike,
    bool_or(v.same_cluster) as same_cluster,
    bool_or(v.same_outcome) as same_outcome,
    share(max(v.similarity)) as similarity
from one_shown as v
inner join said as s on v.locale = s.locale and v.variant = s.utterance
where v.shown <> s.shown
group by v.locale, v.shown, s.shown
having bool_or(v.same_cluster) or bool_or(v.same_outcome) or max(v.moved) >= $k or max(v.ended_alike) >= $k
