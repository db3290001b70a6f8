-- Each day, and the window as the day `all`, of a locale and intent that the assistant heard: turns,
-- distinct users, turns said again and turns that failed their users (expected numbers, summed in
-- millionths).
-- followed: the turns that were said again; defects: the turns, with the probability that they failed
with said as (
    select period as day, turn_id, user_id, locale, best_intent
    from people
    lateral view explode(array(day, 'all')) as period
)
select
    t.day,
    t.locale,
    coalesce(t.best_intent, '') as intent,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users,
    cast(
        sum(cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint)) as double
    ) / cast(1000000 as double) as said_again,
    cast(count(distinct case when f.p_rephrase >= 0.5 then t.user_id end) as bigint) as users_again,
    cast(
        sum(cast(round(coalesce(d.p_defect, cast(0 as double)) * 1000000) as bigint)) as double
    ) / cast(1000000 as double) as defects,
    cast(count(distinct case when d.p_defect >= 0.5 then t.user_id end) as bigint) as users_failed
from said as t
left join followed as f on t.turn_id = f.source_turn_id
left join defects as d on t.turn_id = d.turn_id
group by t.day, t.locale, coalesce(t.best_intent, '')
