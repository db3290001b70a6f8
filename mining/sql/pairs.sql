-- Candidate pairs: two turns of one session, at most :reach turns and :within_ms apart, so that a
-- "no" or a failed retry may lie between. A user who says one thing more than :most_same times a day
-- is a robot, and says nothing of people; at most :most_a_day pairs for each user and day.
with placed as (
    select
        *,
        cast(cast(timestamp as date) as string) as day,
        row_number() over (
            partition by user_id, session_given, session_id order by at_ms, turn_id
        ) as place,
        count(*) over (
            partition by user_id, locale, utterance, cast(cast(timestamp as date) as string)
        ) as said_today
    from turns
),
near as (
    select
        s.turn_id as source_turn_id,
        t.turn_id as target_turn_id,
        t.user_id,
        t.session_id,
        t.locale,
        s.utterance as source,
        t.utterance as target,
        cast(t.at_ms - s.at_ms as double) / cast(1000 as double) as seconds,
        cast(t.place - s.place as bigint) as apart,
        s.best_intent as source_intent,
        t.best_intent as target_intent,
        s.outcome as source_outcome,
        t.outcome as target_outcome,
        t.day,
        row_number() over (
            partition by t.user_id, t.day
            order by t.at_ms, t.turn_id, t.place - s.place
        ) as pair_of_day
    from placed as s
    inner join placed as t
        on s.user_id = t.user_id
        and s.session_given = t.session_given
        and s.session_id = t.session_id
        and s.locale = t.locale
        and t.place > s.place
        and t.place <= s.place + :reach
        and t.at_ms <= s.at_ms + :within_ms
    where s.said_today <= :most_same and t.said_today <= :most_same
)
select
    source_turn_id,
    target_turn_id,
    user_id,
    session_id,
    locale,
    source,
    target,
    seconds,
    apart,
    source_intent,
    target_intent,
    source_outcome,
    target_outcome,
    day
from near
where pair_of_day <= :most_a_day and day in (select day from rewritten)
