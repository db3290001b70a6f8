-- Wordings that users gave up, and the ones with which they ended up, said by k users or more each.
-- locale: BCP 47 tag
-- source: wording that was given up, as it may be shown
-- target: wording at the end of the chain of saying it again
-- users: distinct users who moved from source to target, to a multiple of k; null where fewer than k
-- occurrences: times it was seen, to a multiple of k; null where fewer than k users
-- p_same: probability that the two say the same thing, 0 to 1; null where fewer than k users
select
    locale,
    source,
    target,
    few(users) as users,
    few_of(occurrences, users) as occurrences,
    case when users >= $k then share(p_same) end as p_same
from lake_shown_moves
