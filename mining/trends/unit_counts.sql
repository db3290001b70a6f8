-- How many people said each unit (a group of wordings), in the window and since :now_7; and on how many days
-- one of them said it, a mean over these days: since :now_3 and :now_7, and from :before_3 and :before_7 until :until
-- (milliseconds since 1970).
-- reads grouped: locale, unit, utterance, the units numbered
-- reads people: what people said in the window
-- takes :before_3
-- takes :before_7
-- takes :now_3
-- takes :now_7
-- takes :until
with said as (
    select g.unit, t.user_id, t.day, min(t.at_ms) as at_ms
    from people as t
    inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
    group by g.unit, t.user_id, t.day
),
of_users as (
    select
        unit,
        sum(case when at_ms >= :now_3 then 1 else 0 end) as now_3,
        sum(case when at_ms >= :now_7 then 1 else 0 end) as now_7,
        sum(case when at_ms >= :before_3 and at_ms < :until then 1 else 0 end) as before_3,
        sum(case when at_ms >= :before_7 and at_ms < :until then 1 else 0 end) as before_7
    from said
    group by unit, user_id
)
select
    unit,
    cast(count(*) as bigint) as users,
    cast(sum(case when now_7 > 0 then 1 else 0 end) as bigint) as users_now,
    case when sum(now_3) > 0 then cast(sum(now_3 * now_3) as double) / cast(sum(now_3) as double) end as now_3,
    case when sum(now_7) > 0 then cast(sum(now_7 * now_7) as double) / cast(sum(now_7) as double) end as now_7,
    case when sum(before_3) > 0 then cast(sum(before_3 * before_3) as double) / cast(sum(before_3) as double) end as before_3,
    case when sum(before_7) > 0 then cast(sum(before_7 * before_7) as double) / cast(sum(before_7) as double) end as before_7
from of_users
group by unit
