-- The wordings of the window as they are shown: how often, by how many users.
-- reads people: what people said in the window
-- reads released: locale, utterance, shown
select
    s.locale,
    s.shown,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users
from people as t
inner join released as s on t.locale = s.locale and t.utterance = s.utterance
group by s.locale, s.shown
