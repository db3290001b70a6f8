-- Who says that a wording means a label, and how: a row a user, wording, label, source and place.
--   accepted, reformulated   the best hypothesis was executed, and the user did not come back, or did (where another
--                            wording ran, only the next source)
--   unexecuted_accepted, unexecuted_reformulated   it was not executed, and the user did not come back, or did
--   rewrite                  it was heard in the wording that ran instead, and the user accepted
--   target, chain_end        the executed hypothesis of the next wording, of the last one (via), and the user stayed
--                            with it
--   thumbs_up, thumbs_down   for what was executed
--   n_best                   another hypothesis of the assistant, at its confidence; nobody's vote
-- A user counts once for each, with the mean of what happened, and votes on at most :most_items
-- wordings, the first ones. Probabilities are summed in millionths.
-- A turn that answers the assistant's question says nothing of its own wording.
-- reads answers: the turns that answer a question of the assistant
-- reads chain_ends: where their chains end
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
-- takes :intents: 1 where the log names what was executed, so that none means nothing was
-- takes :most_items
with said as (
    select
        t.turn_id,
        t.user_id,
        t.locale,
        t.utterance,
        t.ran,
        t.best_intent as label,
        t.feedback,
        t.n_best,
        t.at_ms,
        t.day,
        case
            when t.intent is not null or t.outcome = 'success' then 1
            when t.outcome = 'failure' or :intents = 1 then 0
            else 1
        end as executed,
        cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint) as p
    from people as t
    left join best_rephrases as f on t.turn_id = f.source_turn_id
),
wished as (
    select s.* from said as s left anti join answers as a on s.turn_id = a.turn_id
),
items as (
    select user_id, locale, utterance
    from (
        select
            user_id,
            locale,
            utterance,
            row_number() over (
                partition by user_id order by min(at_ms), locale, utterance
            ) as item
        from wished
        group by user_id, locale, utterance
    ) as ranked
    where item <= :most_items
),
cast_votes as (
    select locale, utterance, label, user_id, day, '' as via, 1000000 - p as weight,
        case when executed = 1 then 'accepted' else 'unexecuted_accepted' end as source
    from wished
    where ran = utterance
    union all
    select locale, utterance, label, user_id, day, '' as via, p as weight,
        case when executed = 1 then 'reformulated' else 'unexecuted_reformulated' end as source
    from wished
    where ran = utterance
    union all
    select locale, utterance, label, user_id, day, ran as via, 1000000 - p as weight,
        'rewrite' as source
    from wished
    where ran <> utterance and executed = 1
    union all
    select locale, utterance, label, user_id, day, '' as via, 1000000 as weight,
        case when feedback > 0 then 'thumbs_up' else 'thumbs_down' end as source
    from wished
    where feedback <> 0 and executed = 1 and ran = utterance
    union all
    select s.locale, s.utterance, t.label, s.user_id, s.day, t.ran as via,
        cast(floor(cast(s.p as double) * cast(1000000 - t.p as double) / 1000000) as bigint) as weight,
        'target' as source
    from best_rephrases as f
    inner join wished as s on f.source_turn_id = s.turn_id
    inner join said as t on f.target_turn_id = t.turn_id
    left join chain_ends as e on f.source_turn_id = e.turn_id
    where t.executed = 1 and s.utterance <> t.ran and f.target_turn_id <> coalesce(e.end_turn_id, '')
    union all
    select s.locale, s.utterance, t.label, s.user_id, s.day, t.ran as via,
        cast(floor(e.p_chain * cast(1000000 - t.p as double)) as bigint) as weight,
        'chain_end' as source
    from chain_ends as e
    inner join wished as s on e.turn_id = s.turn_id
    inner join said as t on e.end_turn_id = t.turn_id
    where t.executed = 1 and s.utterance <> t.ran
),
of_users as (
    select
        v.locale,
        v.utterance,
        v.label,
        v.source,
        v.via,
        v.user_id,
        max(v.day) as day,
        cast(floor(cast(sum(v.weight) as double) / cast(count(*) as double)) as bigint) as weight
    from cast_votes as v
    left semi join items as i
        on v.user_id = i.user_id and v.locale = i.locale and v.utterance = i.utterance
    where v.label is not null
    group by v.locale, v.utterance, v.label, v.source, v.via, v.user_id
),
known as (
    select locale, utterance, label, day, h.intent as other,
        cast(round(h.confidence * 1000000) as bigint) as weight
    from wished
    lateral view explode(n_best) as h
    where ran = utterance
),
of_the_assistant as (
    select
        locale,
        utterance,
        other as label,
        'n_best' as source,
        '' as via,
        '' as user_id,
        max(day) as day,
        cast(floor(cast(sum(weight) as double) / cast(count(*) as double)) as bigint) as weight
    from known
    where other is not null and other <> '' and weight is not null and other <> coalesce(label, '')
    group by locale, utterance, other
)
select locale, utterance, label, source, via, user_id, day,
    cast(weight as double) / cast(1000000 as double) as weight
from of_users
where weight > 0
union all
select locale, utterance, label, source, via, user_id, day,
    cast(weight as double) / cast(1000000 as double) as weight
from of_the_assistant
where weight > 0
