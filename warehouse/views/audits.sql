-- What persons who judged a few rows of what is believed found, the newest audit of each subject, and how beliefs are bent by all.
-- subject: labels (what wordings mean), pairs (what says what again), failures (which turns failed their users) or rewrites
-- drawn: night whose beliefs were judged
-- rows: rows drawn
-- answered: rows of which a person could tell
-- auditors: persons
-- believed: share of turns believed to be so, 0 to 1
-- observed: the same as the answers have it, 0 to 1
-- at_least: what that exceeds in nineteen cases of twenty
-- at_most: what it does not exceed in nineteen of twenty
-- kappa: Cohen's kappa of two persons; null where one judged alone
-- shift: added to the log odds of beliefs; 0 as they are
-- stretch: by which those are multiplied; 1 as they are
select
    subject,
    cast(drawn as date) as drawn,
    rows,
    answered,
    auditors,
    believed,
    observed,
    at_least,
    at_most,
    kappa,
    shift,
    stretch
from lake_audits
