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
of_users as (
    select
        day,
        locale,
        intent,
        user_id,
        count(*) as turns,
        sum(again) as again,
        sum(failed) as failed,
        sum(failure) as failures,
        max(case when again >= 500000 then 1 else 0 end) as user_again,
        max(case when failed >= 500000 then 1 else 0 end) as user_failed
    from told
    group by day, locale, intent, user_id
),
told_together as (
    select
        coalesce(day, 'all') as day,
        coalesce(locale, '*') as locale,
        coalesce(intent, '*') as intent,
        sum(turns) as turns,
        sum(again) as again,
        sum(failed) as failed,
        sum(failures) as failures,
        max(user_again) as user_again,
        max(user_failed) as user_failed
    from of_users
    group by grouping sets (
        (day, locale, intent, user_id),
        (day, locale, user_id),
        (day, intent, user_id),
        (day, user_id),
        (locale, intent, user_id),
        (locale, user_id),
        (intent, user_id),
        (user_id)
    )
)
select
    day,
    locale,
    intent,
    cast(sum(turns) as bigint) as turns,
    cast(count(*) as bigint) as users,
    cast(sum(again) as double) / cast(1000000 as double) as said_again,
    cast(sum(user_again) as bigint) as users_again,
    cast(sum(failed) as double) / cast(1000000 as double) as defects,
    cast(sum(user_failed) as bigint) as users_failed,
    cast(sum(failures) as bigint) as failures,
    cast(sum(case when failures > 0 then 1 else 0 end) as bigint) as users_failure
from told_together
group by day, locale, intent
