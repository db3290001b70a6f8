-- Each day and locale: turns, distinct users, turns said again (expected number), failures as the
-- assistant believes. Summed in millionths: whole numbers have one sum, in whatever order.
-- followed: the turns that were said again, with their probability
select
    t.day,
    t.locale,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users,
    cast(
        sum(cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint)) as double
    ) / cast(1000000 as double) as said_again,
    cast(count(distinct case when f.p_rephrase >= 0.5 then t.user_id end) as bigint) as users_again,
    cast(sum(case when t.outcome = 'failure' then 1 else 0 end) as bigint) as failures,
    cast(count(distinct case when t.outcome = 'failure' then t.user_id end) as bigint)
        as users_failed
from people as t
left join followed as f on t.turn_id = f.source_turn_id
group by t.day, t.locale
