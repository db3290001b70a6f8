-- Decisions whether to retrain, one a night, with their reasons.
-- night: night
-- version: training set that was judged
-- retrain: whether retraining pays
-- because: the reasons
select cast(night as date) as night, version, retrain, because
from lake_decisions
