-- What became of each wording under each best hypothesis of the assistant. A user counts once for
-- each, with the mean of what happened, and for at most :most_items wordings, the first ones.
-- followed: the turns that were said again, with their probability
with heard as (
    select
        t.locale,
        t.utterance,
        coalesce(t.best_intent, '') as intent,
        t.user_id,
        count(*) as turns,
        min(t.at_ms) as first_ms,
        avg(t.best_confidence) as confidence,
        sum(case when t.intent is null then 0 else 1 end) as executed,
        sum(case when t.intent is null then cast(0 as double) else coalesce(f.p_rephrase, cast(0 as double)) end)
            as executed_followed,
        sum(coalesce(f.p_rephrase, cast(0 as double))) as followed
    from turns as t
    left join followed as f on t.turn_id = f.source_turn_id
    group by t.locale, t.utterance, coalesce(t.best_intent, ''), t.user_id
),
bounded as (
    select
        *,
        row_number() over (
            partition by user_id order by first_ms, locale, utterance, intent
        ) as item
    from heard
)
select
    locale,
    utterance,
    intent,
    cast(sum(turns) as bigint) as turns,
    cast(count(*) as bigint) as users,
    cast(sum(case when executed > 0 then 1 else 0 end) as bigint) as executed_users,
    round(sum(case when executed > 0 then executed_followed / executed else cast(0 as double) end), 6)
        as fled,
    round(sum(case when executed = 0 then followed / turns else cast(0 as double) end), 6)
        as fled_unexecuted,
    round(avg(confidence), 6) as confidence
from bounded
where item <= :most_items
group by locale, utterance, intent
