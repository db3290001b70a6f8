-- The turns of the days that a night touches: what came in joins what the lake holds, once per
-- turn_id, and sessions are filled. A given session is respected; else a silence ends it. A session
-- that began before the window keeps the id that the lake has for it.
-- admitted: what the door let in or set aside; known: turns of the lake around its days;
-- rewritten: the days to write
with arrived as (
    select 0 as age, * from known
    union all
    select 1 as age, * except (file, line, field, reason, source) from admitted where reason is null
),
copies as (
    select
        *,
        row_number() over (
            partition by turn_id
            order by age, at_ms, user_id, utterance, coalesce(intent, ''), coalesce(outcome, ''),
                coalesce(response, ''), coalesce(feedback, 0), coalesce(session_id, ''), locale,
                coalesce(confidence, 0), coalesce(best_intent, ''), coalesce(best_confidence, 0)
        ) as copy
    from arrived
),
steps as (
    select
        *,
        case when session_given then session_id else '' end as given,
        at_ms - lag(at_ms) over (
            partition by user_id, case when session_given then session_id else '' end
            order by at_ms, turn_id
        ) as silence_ms
    from copies
    where copy = 1
),
numbered as (
    select
        *,
        sum(case when silence_ms is null or (given = '' and silence_ms > :gap_ms) then 1 else 0 end)
            over (
                partition by user_id, given
                order by at_ms, turn_id
                rows between unbounded preceding and current row
            ) as session_number
    from steps
),
filled as (
    select
        *,
        first_value(coalesce(session_id, turn_id)) over (
            partition by user_id, given, session_number
            order by at_ms, turn_id
            rows between unbounded preceding and current row
        ) as filled_session_id
    from numbered
)
select
    turn_id,
    user_id,
    timestamp,
    at_ms,
    filled_session_id as session_id,
    session_given,
    locale,
    utterance,
    intent,
    confidence,
    best_intent,
    best_confidence,
    n_best,
    slots,
    response,
    outcome,
    feedback,
    executed_utterance,
    channel,
    interrupted,
    model_version,
    arm,
    propensity,
    cast(cast(timestamp as date) as string) as day
from filled
where cast(cast(timestamp as date) as string) in (select day from rewritten)
