-- What became of each wording under each best hypothesis of the assistant. A user counts once for
-- each, with the mean of what happened, and for at most :most_items wordings, the first ones. What
-- happened after a rewrite speaks of the rewrite (arms.sql): neither of the wording that was said, which
-- did not run, nor of the one that ran, which was not said.
-- Probabilities are summed in millionths: whole numbers have one sum, in whatever order.
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
-- takes :intents: 1 where the log names what was executed, so that none means nothing was
-- takes :most_items
with judged as (
    select
        t.user_id,
        t.locale,
        t.ran as utterance,
        coalesce(t.best_intent, '') as intent,
        t.at_ms,
        case
            when t.intent is not null or t.outcome = 'success' then 1
            when t.outcome = 'failure' or :intents = 1 then 0
            else 1
        end as executed,
        cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint) as reformulated,
        cast(round(t.best_confidence * 1000000) as bigint) as sure
    from people as t
    left join best_rephrases as f on t.turn_id = f.source_turn_id
    where t.ran = t.utterance
),
heard as (
    select
        locale,
        utterance,
        intent,
        user_id,
        count(*) as turns,
        min(at_ms) as first_ms,
        max(at_ms) as last_ms,
        sum(sure) as sure,
        count(sure) as sure_turns,
        sum(executed) as executed,
        sum(executed * reformulated) as executed_reformulated,
        sum(reformulated) as reformulated
    from judged
    group by locale, utterance, intent, user_id
),
bounded as (
    select
        *,
        row_number() over (
            partition by user_id order by first_ms, locale, utterance, intent
        ) as item
    from heard
),
counted as (
    select
        locale,
        utterance,
        intent,
        max(last_ms) as last_ms,
        sum(turns) as turns,
        count(*) as users,
        sum(case when executed > 0 then 1 else 0 end) as executed_users,
        sum(
            case when executed > 0
                then cast(floor(cast(executed_reformulated as double) / cast(executed as double)) as bigint)
                else 0
            end
        ) as reformulated,
        sum(
            case when executed > 0
                then 0
                else cast(floor(cast(reformulated as double) / cast(turns as double)) as bigint)
            end
        ) as reformulated_unexecuted,
        sum(sure) as sure,
        sum(sure_turns) as sure_turns
    from bounded
    where item <= :most_items
    group by locale, utterance, intent
)
select
    locale,
    utterance,
    intent,
    cast(last_ms as bigint) as last_ms,
    cast(turns as bigint) as turns,
    cast(users as bigint) as users,
    cast(executed_users as bigint) as executed_users,
    cast(reformulated as double) / cast(1000000 as double) as reformulated,
    cast(reformulated_unexecuted as double) / cast(1000000 as double) as reformulated_unexecuted,
    case when sure_turns > 0
        then cast(sure as double) / cast(sure_turns as double) / cast(1000000 as double)
    end as confidence
from counted
