-- Nights that were run.
-- night: night
-- status: completed, empty or failed
-- engine: engine that mined it; null where it failed
-- read: rows read, to a multiple of k, as all counts here; without those of users who were forgotten
-- kept: rows kept at the door
-- set_aside: rows set aside at the door
-- turns: turns of the night's window
-- seconds: wall time of the last run, seconds
-- message: what happened, in a line; null where there is nothing to say
-- evidence: what the log had to tell a rephrase from a change of mind
-- verdict_pairs: how well the log tells what is said again: well, weakly or not at all; null of failed nights, as those that follow
-- verdict_failures: how well it tells which turns failed
-- verdict_labels: how well it tells what wordings mean; not at all: the training set is empty
-- verdict_rewrites: how well it tells rewrites; not at all: none is proposed
-- recall: share of the true neighbours of wordings that was found, on a sample, in the locale where it is least, 0 to 1
-- epsilon: of the differential privacy of the published set of wordings; null where none was asked for
-- delta: chance that it does not hold; null where none was asked for
-- voter_requests: requests to the model that is asked what is meant; null where none is
-- voter_tokens: tokens that its answers say were used
select
    cast(night as date) as night,
    status,
    engine,
    few(read - forgotten) as read,
    few(kept) as kept,
    few(set_aside - forgotten) as set_aside,
    few(turns) as turns,
    round(seconds, 1) as seconds,
    case when status = 'failed' then 'it failed; the lake says why' else message end as message,
    evidence,
    verdict_pairs,
    verdict_failures,
    verdict_labels,
    verdict_rewrites,
    share(recall) as recall,
    epsilon,
    delta,
    few(voter_requests) as voter_requests,
    few(voter_tokens) as voter_tokens
from lake_runs
