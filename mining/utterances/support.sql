-- Distinct users behind each group of wordings.
-- reads grouped: locale, utterance, group_id
-- reads people: what people said in the window
with said as (
    select distinct locale, utterance, user_id from people
)
select
    g.group_id,
    cast(count(distinct t.user_id) as bigint) as users
from said as t
inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
group by g.group_id
