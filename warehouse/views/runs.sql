-- Nights that were run.
-- night: night
-- status: completed, empty or failed
-- engine: engine that mined it
-- read: rows read
-- kept: rows kept at the door
-- set_aside: rows set aside at the door
-- turns: turns of the night's window
-- seconds: wall time of the last run
-- message: what happened, in a line
-- evidence: what the log had to tell a rephrase from a change of mind
-- recall: share of the true neighbours of wordings that was found, on a sample, in the locale where it is least
select cast(night as date) as night, status, engine, read, kept, set_aside, turns, round(seconds, 1) as seconds, message, evidence, recall
from lake_runs
order by night
