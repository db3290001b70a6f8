-- Candidate pairs: two turns of one session, at most :reach turns apart and, where
-- silences end sessions, one gap, so that a "no"
-- or a failed retry may lie between. Bots are apart, so that no user and day has many.
-- reads session_timeouts: the silences that end a session
-- reads people: what people said on the days and on the one before each
-- reads rewritten: the days of the targets
-- takes :gap_ms
-- takes :reach
with placed as (
    select
        p.*,
        coalesce(g.gap_ms, :gap_ms) as gap_ms,
        row_number() over (
            partition by p.user_id, p.session_given, p.session_id order by p.at_ms, p.turn_id
        ) as place,
        sum(case when p.best_intent is null then 1 else 0 end) over (
            partition by p.user_id, p.session_given, p.session_id
            order by p.at_ms, p.turn_id
            rows between unbounded preceding and current row
        ) as lost,
        case
            when p.at_ms - lag(p.at_ms) over (
                partition by p.user_id, p.session_given, p.session_id order by p.at_ms, p.turn_id
            ) <= coalesce(g.gap_ms, :gap_ms)
                then p.response = lag(p.response) over (
                    partition by p.user_id, p.session_given, p.session_id
                    order by p.at_ms, p.turn_id
                )
        end as repeated_itself
    from people as p
    left join session_timeouts as g on p.locale = g.locale and coalesce(p.channel, '') = g.channel
),
near as (
    select
        s.turn_id as source_turn_id,
        t.turn_id as target_turn_id,
        t.user_id,
        t.session_id,
        t.locale,
        t.channel,
        s.utterance as source,
        t.utterance as target,
        cast(t.at_ms - s.at_ms as double) / cast(1000 as double) as seconds,
        cast(t.place - s.place as bigint) as apart,
        cast(
            t.lost - s.lost - case when t.best_intent is null then 1 else 0 end as bigint
        ) as lost_between,
        s.best_intent as source_intent,
        t.best_intent as target_intent,
        transform(s.slots, v -> v.value) as source_values,
        transform(t.slots, v -> v.value) as target_values,
        transform(s.n_best, h -> h.intent) as source_known,
        s.intent is not null as source_executed,
        t.intent is not null as target_executed,
        s.best_confidence as source_confidence,
        t.best_confidence as target_confidence,
        s.outcome as source_outcome,
        t.outcome as target_outcome,
        s.response as source_response,
        s.repeated_itself,
        s.interrupted,
        s.feedback,
        t.day
    from placed as s
    inner join placed as t
        on s.user_id = t.user_id
        and s.session_given = t.session_given
        and s.session_id = t.session_id
        and s.locale = t.locale
        and t.place > s.place
        and t.place <= s.place + :reach
        and (s.session_given or t.at_ms <= s.at_ms + t.gap_ms)
)
select * from near where day in (select day from rewritten)
