-- Distinct users behind each group of wordings.
-- grouped: locale, utterance, group_id
select
    g.group_id,
    cast(count(distinct t.user_id) as bigint) as users
from people as t
inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
group by g.group_id
