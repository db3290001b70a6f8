-- Training sets, one row each.
-- version: version; versions sort by time
-- night: night that made it
-- examples: wordings in it
-- believed_weight: sum of the rows' weights
-- fresh: wordings that the set before did not hold with the same best label
select version, cast(night as date) as night, examples, believed_weight, fresh
from lake_training_sets
order by version
