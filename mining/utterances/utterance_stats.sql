-- The wordings of the window: how often, by how many users.
-- reads people: what people said in the window
select
    t.locale,
    t.utterance,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users
from people as t
group by t.locale, t.utterance
