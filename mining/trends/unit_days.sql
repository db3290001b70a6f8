-- Distinct users of each unit (a group of wordings), by day; and of all wordings of a locale, as the kind `people`.
-- reads grouped: locale, kind, unit, utterance
-- reads people: what people said in the window
with said as (
    select g.locale, g.kind, g.unit, t.user_id, t.day
    from people as t
    inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
    union all
    select locale, 'people' as kind, '' as unit, user_id, day
    from people
)
select locale, kind, unit, day, cast(count(distinct user_id) as bigint) as users
from said
group by locale, kind, unit, day
