-- Each day, and the window as the day `all`, of a locale (all as `*`) and an intent that the assistant heard (all
-- as `*`): turns, distinct users, turns said again and turns that failed their users
-- (expected numbers, summed in millionths), failures as the assistant believes; and the users of each.
-- reads defects: the turns, with the probability that they failed
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
with told as (
    select
        t.day,
        t.locale,
        t.user_id,
        coalesce(t.best_intent, '') as intent,
        cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint) as again,
        cast(round(coalesce(d.p_defect, cast(0 as double)) * 1000000) as bigint) as failed,
        case when t.outcome = 'failure' then 1 else 0 end as failure
    from people as t
    left join best_rephrases as f on t.turn_id = f.source_turn_id
    left join defects as d on t.turn_id = d.turn_id
),
by_period as (
    select period, locale, user_id, intent, again, failed, failure
    from told
    lateral view explode(array(day, 'all')) as period
),
by_place as (
    select period, place, user_id, intent, again, failed, failure
    from by_period
    lateral view explode(array(locale, '*')) as place
),
said as (
    select period as day, place as locale, user_id, part as intent, again, failed, failure
    from by_place
    lateral view explode(array(intent, '*')) as part
)
select
    day,
    locale,
    intent,
    cast(count(*) as bigint) as turns,
    cast(count(distinct user_id) as bigint) as users,
    cast(sum(again) as double) / cast(1000000 as double) as said_again,
    cast(count(distinct case when again >= 500000 then user_id end) as bigint) as users_again,
    cast(sum(failed) as double) / cast(1000000 as double) as defects,
    cast(count(distinct case when failed >= 500000 then user_id end) as bigint) as users_failed,
    cast(sum(failure) as bigint) as failures,
    cast(count(distinct case when failure = 1 then user_id end) as bigint) as users_failure
from said
group by day, locale, intent
