-- Each day and locale: turns, distinct users, turns said again (expected number), failures as the
-- assistant believes.
-- followed: the turns that were said again, with their probability
select
    cast(cast(t.timestamp as date) as string) as day,
    t.locale,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users,
    round(coalesce(sum(f.p_rephrase), cast(0 as double)), 6) as said_again,
    cast(sum(case when t.outcome = 'failure' then 1 else 0 end) as bigint) as failures
from turns as t
left join followed as f on t.turn_id = f.source_turn_id
group by cast(cast(t.timestamp as date) as string), t.locale
