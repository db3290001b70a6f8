-- Two wordings for one goal, said by k users or more each, with what binds them.
-- locale: BCP 47 tag
-- utterance: wording
-- variant: another wording for the same
-- users: distinct users who said either
-- moved: users who went from one to the other; null where fewer than k
-- ended_alike: users of the rarer one who ended where users of the other did; null where fewer than k
-- same_cluster: both lie in one cluster
-- same_outcome: one hypothesis serves both
-- similarity: cosine of the two; null where they are not neighbours
select
    v.locale,
    v.utterance,
    v.variant,
    v.users,
    case when v.moved >= $k then v.moved end as moved,
    case when v.ended_alike >= $k then v.ended_alike end as ended_alike,
    v.same_cluster,
    v.same_outcome,
    v.similarity
from lake_variants as v
inner join lake_wordings as a on v.locale = a.locale and v.utterance = a.utterance and a.users >= $k
inner join lake_wordings as b on v.locale = b.locale and v.variant = b.utterance and b.users >= $k
order by v.users desc, v.locale, v.utterance, v.variant
