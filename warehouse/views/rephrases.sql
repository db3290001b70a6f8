-- Wordings that users gave up, and the ones with which they ended up, said by k users or more each.
-- locale: BCP 47 tag
-- source: wording that was given up
-- target: wording at the end of the chain of saying it again
-- users: distinct users who moved from source to target; null where fewer than k
-- occurrences: times it was seen; null where fewer than k users
-- p_same: probability that the two say the same thing, 0 to 1
select
    m.locale,
    m.source,
    m.target,
    case when m.users >= $k then m.users end as users,
    case when m.users >= $k then m.occurrences end as occurrences,
    m.p_same
from lake_moves as m
inner join lake_wordings as s on m.locale = s.locale and m.source = s.utterance and s.users >= $k
inner join lake_wordings as t on m.locale = t.locale and m.target = t.utterance and t.users >= $k
order by users desc nulls last, locale, source, target
