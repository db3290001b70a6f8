-- Wordings that k users or more gave up, and the ones with which they ended up.
-- locale: BCP 47 tag
-- source: wording that was given up, as it may be shown
-- target: wording at the end of the chain of saying it again
-- users: distinct users who moved from source to target, to a multiple of k
-- occurrences: times it was seen, to a multiple of k
-- p_same: probability that the two say the same thing, 0 to 1
select locale, source, target, few(users) as users, few_of(occurrences, users) as occurrences, share(p_same) as p_same
from lake_released_transitions
where users >= $k
