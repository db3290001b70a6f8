-- Distinct users behind each group of wordings; robots: what is set aside.
-- grouped: locale, utterance, group_id
select
    g.group_id,
    cast(count(distinct t.user_id) as bigint) as users
from turns as t
inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
left anti join robots as r
    on t.user_id = r.user_id
    and t.locale = r.locale
    and t.utterance = r.utterance
    and cast(cast(t.timestamp as date) as string) = r.day
group by g.group_id
