-- What happened to each wording under each best hypothesis of the assistant.
-- followed: the turns that were said again, with their probability
select
    t.locale,
    t.utterance,
    coalesce(t.best_intent, '') as intent,
    cast(count(*) as bigint) as turns,
    cast(count(distinct t.user_id) as bigint) as users,
    cast(sum(case when t.intent is not null then 1 else 0 end) as bigint) as executed,
    cast(sum(case when t.outcome = 'success' then 1 else 0 end) as bigint) as succeeded,
    coalesce(sum(f.p_rephrase), cast(0 as double)) as followed
from turns as t
left join followed as f on t.turn_id = f.source_turn_id
group by t.locale, t.utterance, coalesce(t.best_intent, '')
