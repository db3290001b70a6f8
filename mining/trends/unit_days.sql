-- Distinct users of each unit (a group of wordings), by day; and of all wordings of a locale, as no unit.
-- reads grouped: locale, unit, utterance, the units numbered
-- reads people: what people said in the window
with said as (
    select distinct locale, utterance, user_id, day from people
)
select g.locale, g.unit, t.day, cast(count(distinct t.user_id) as bigint) as users
from said as t
inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
group by g.locale, g.unit, t.day
union all
select locale, cast(null as bigint) as unit, day, cast(count(distinct user_id) as bigint) as users
from said
group by locale, day
