-- Training sets, one row each.
-- version: version; versions sort by time
-- night: night that made it
-- examples: wordings in it, to a multiple of k; null below k
-- believed_weight: sum of the rows' weights, to a multiple of k
-- fresh: wordings that the set before did not hold with the same best label, to a multiple of k; null below k
select
    version,
    cast(night as date) as night,
    few(examples) as examples,
    few(believed_weight) as believed_weight,
    few(fresh) as fresh
from lake_training_sets
