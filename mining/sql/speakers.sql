-- The wordings of the window: how often, by how many users; robots apart.
select
    t.locale,
    t.utterance,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users
from turns as t
left anti join robots as r
    on t.user_id = r.user_id
    and t.locale = r.locale
    and t.utterance = r.utterance
    and cast(cast(t.timestamp as date) as string) = r.day
group by t.locale, t.utterance
