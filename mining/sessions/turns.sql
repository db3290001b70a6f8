-- The turns of the days that a night touches: what came in joins what the lake holds, once per
-- turn_id and once per user, moment and wording (a turn that was delivered again may have another
-- id), and sessions are filled. A given session is respected; else a silence ends it, of the
-- length that is learned for the locale and channel. A session that began before the days keeps its id.
-- reads admitted: what was let in or set aside
-- reads session_timeouts: the silences that end a session
-- reads known: turns of the lake around the days
-- reads rewritten: the days to write
-- takes :gap_ms
with arrived as (
    select 0 as age, * from known
    union all
    select 1 as age, * except (file, line, field, reason, source, dropped) from admitted where reason is null
),
repeated as (
    select turn_id from arrived group by turn_id having count(*) > 1
),
copies as (
    select
        a.*,
        1 as copy
    from arrived as a
    left anti join repeated as r on a.turn_id = r.turn_id
    union all
    select
        a.*,
        row_number() over (
            partition by a.turn_id
            order by age, at_ms, user_id, utterance, coalesce(intent, ''), coalesce(outcome, ''),
                coalesce(response, ''), coalesce(feedback, 0), coalesce(session_id, ''), locale,
                coalesce(confidence, 0), coalesce(best_intent, ''), coalesce(best_confidence, 0)
        ) as copy
    from arrived as a
    left semi join repeated as r on a.turn_id = r.turn_id
),
delivered as (
    select
        *,
        row_number() over (partition by user_id, at_ms, utterance order by turn_id) as delivery
    from copies
    where copy = 1
),
placed as (
    select
        c.* except (session_id),
        case
            when c.session_given or w.day is null then c.session_id
        end as session_id,
        coalesce(g.gap_ms, :gap_ms) as gap_ms
    from delivered as c
    left join rewritten as w on cast(cast(c.timestamp as date) as string) = w.day
    left join session_timeouts as g on c.locale = g.locale and coalesce(c.channel, '') = g.channel
    where c.delivery = 1
),
steps as (
    select
        *,
        case when session_given then session_id else '' end as given,
        at_ms - lag(at_ms) over (
            partition by user_id, case when session_given then session_id else '' end
            order by at_ms, turn_id
        ) as silence_ms
    from placed
),
filled as (
    select
        *,
        last_value(
            case when silence_ms is null or (given = '' and silence_ms > gap_ms)
                then coalesce(session_id, turn_id)
            end
        ) ignore nulls over (
            partition by user_id, given
            order by at_ms, turn_id
            rows between unbounded preceding and current row
        ) as filled_session_id
    from steps
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
    interpretation,
    response,
    outcome,
    feedback,
    executed_utterance,
    channel,
    interrupted,
    model_version,
    arm,
    propensity,
    prompted_slot,
    cast(cast(timestamp as date) as string) as day
from filled
where cast(cast(timestamp as date) as string) in (select day from rewritten)
