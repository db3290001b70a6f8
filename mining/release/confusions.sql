-- What the assistant heard in wordings whose meaning is believed.
-- reads meant: locale, utterance, label
-- reads people: what people said in the window
select
    t.locale,
    coalesce(t.best_intent, '') as heard,
    m.label as meant,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users
from people as t
inner join meant as m on t.locale = m.locale and t.utterance = m.utterance
group by t.locale, coalesce(t.best_intent, ''), m.label
