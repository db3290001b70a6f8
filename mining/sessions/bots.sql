-- What users say as no person does, by user, day and wording: more than :most_turns turns a day,
-- :burst_lag turns and one more within :burst_ms, one wording more than :most_same times, or one
-- wording at least :fewest_spacings times again at spacings that vary by less than a tenth.
-- reads rewritten: the days to write
-- reads turns: the turns of the days
-- takes :burst_lag
-- takes :burst_ms
-- takes :fewest_spacings
-- takes :most_same
-- takes :most_turns
with said as (
    select
        user_id,
        locale,
        utterance,
        cast(cast(timestamp as date) as string) as day,
        cast(
            floor(
                cast(
                    at_ms - lag(at_ms) over (
                        partition by
                            user_id, locale, utterance, cast(cast(timestamp as date) as string)
                        order by at_ms, turn_id
                    ) as double
                ) / cast(1000 as double)
            ) as bigint
        ) as spacing,
        at_ms - lag(at_ms, :burst_lag) over (
            partition by user_id, cast(cast(timestamp as date) as string)
            order by at_ms, turn_id
        ) as burst_ms
    from turns
    where cast(cast(timestamp as date) as string) in (select day from rewritten)
),
by_user as (
    select
        user_id,
        day,
        count(*) as turns,
        min(burst_ms) as shortest_ms
    from said
    group by user_id, day
),
by_wording as (
    select
        user_id,
        day,
        locale,
        utterance,
        count(*) as turns,
        count(spacing) as spacings,
        cast(sum(spacing) as bigint) as total,
        cast(sum(spacing * spacing) as bigint) as squares
    from said
    group by user_id, day, locale, utterance
),
judged as (
    select
        w.user_id,
        w.day,
        w.locale,
        w.utterance,
        w.turns,
        case
            when u.turns > :most_turns then 'rate'
            when u.shortest_ms <= :burst_ms then 'burst'
            when w.turns > :most_same then 'repetition'
            when
                w.spacings >= :fewest_spacings
                and w.total >= w.spacings * 60
                and 100 * (w.spacings * w.squares - w.total * w.total) <= w.total * w.total
                then 'periodicity'
        end as reason
    from by_wording as w
    inner join by_user as u on w.user_id = u.user_id and w.day = u.day
)
select
    day,
    user_id,
    locale,
    utterance,
    reason,
    cast(turns as bigint) as turns
from judged
where reason is not null
