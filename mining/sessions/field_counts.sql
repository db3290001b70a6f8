-- What the log of the window tells: of its turns, how many have each field.
-- reads turns: the turns of the window
select
    cast(count(*) as bigint) as turns,
    cast(count(case when session_given then 1 end) as bigint) as session_id,
    cast(count(intent) as bigint) as intent,
    cast(count(slots) as bigint) as slots,
    cast(count(confidence) as bigint) as confidence,
    cast(count(n_best) as bigint) as n_best,
    cast(count(response) as bigint) as response,
    cast(count(outcome) as bigint) as outcome,
    cast(count(feedback) as bigint) as feedback,
    cast(count(interrupted) as bigint) as interrupted,
    cast(count(channel) as bigint) as channel,
    cast(count(executed_utterance) as bigint) as executed_utterance,
    cast(count(model_version) as bigint) as model_version,
    cast(count(arm) as bigint) as arm
from turns
