-- Every turn of people with what stood around it in its session: the answer before it (its prompt), its
-- place from the session's beginning, the turn that opened it, and the silence until the next.
-- reads people: what people said in the window
select
    turn_id,
    user_id,
    session_id,
    locale,
    channel,
    utterance,
    ran,
    day,
    response,
    lag(response) over (
        partition by user_id, session_given, session_id order by at_ms, turn_id
    ) as prompt,
    at_ms,
    first_value(turn_id) over (
        partition by user_id, session_given, session_id order by at_ms, turn_id
    ) as opening,
    cast(row_number() over (
        partition by user_id, session_given, session_id order by at_ms, turn_id
    ) as bigint) as place,
    cast(lead(at_ms) over (
        partition by user_id, session_given, session_id order by at_ms, turn_id
    ) - at_ms as bigint) as next_ms,
    best_intent,
    intent is not null as executed,
    best_confidence,
    n_best,
    slots,
    prompted_slot,
    outcome,
    interrupted,
    feedback
from people
