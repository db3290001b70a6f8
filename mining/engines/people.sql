-- What people said: the turns without those of bots, with their day, and the wording that ran. A view
-- for the other files, wherever turns and bots are among their inputs.
-- reads bots: what no person says, with its day
-- reads turns: the turns of the window
select
    t.*,
    cast(cast(t.timestamp as date) as string) as day,
    coalesce(t.executed_utterance, t.utterance) as ran
from turns as t
left anti join bots as r
    on t.user_id = r.user_id
    and t.locale = r.locale
    and t.utterance = r.utterance
    and cast(cast(t.timestamp as date) as string) = r.day
