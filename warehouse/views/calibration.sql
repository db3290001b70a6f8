-- Whether probabilities are what they say: hypotheses by how many users were behind the wording, and what users who were
-- held back did with them. Only rows of k users or more.
-- locale: BCP 47 tag
-- bucket: users behind the wording without the held-back ones: unseen (none), tail (1, 2), torso (3 to 9), head (10 and more)
-- users: distinct users who were held back, to a multiple of k
-- votes: what they did, by weight, at most ten a user, to a multiple of k
-- believed: mean probability of what they were given, 0 to 1
-- bent: the same after the correction; equal where none was called for
-- observed: share that was right, by who of them came back, 0 to 1
select
    locale,
    cast(bucket as varchar) as bucket,
    few(users) as users,
    few_of(votes, users) as votes,
    share(believed) as believed,
    share(bent) as bent,
    share(observed) as observed
from lake_calibration
where users >= $k
