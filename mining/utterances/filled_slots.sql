-- The slot values that were executed for a wording under a hypothesis, by distinct users who accepted; without name and value those
-- who accepted that there was none.
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
-- takes :slots: 1 where the log names slots, so that none means there were none
with accepted as (
    select
        t.utterance,
        t.locale,
        t.intent as label,
        t.user_id,
        t.slots
    from people as t
    left join best_rephrases as f on t.turn_id = f.source_turn_id
    where t.ran = t.utterance
        and t.intent is not null
        and (t.slots is not null or :slots = 1)
        and coalesce(f.p_rephrase, cast(0 as double)) < 0.5
),
named as (
    select locale, utterance, label, user_id, s.name as name, s.value as value
    from accepted
    lateral view explode(slots) as s
    union all
    select locale, utterance, label, user_id, '' as name, '' as value
    from accepted
    where slots is null or size(slots) = 0
)
select locale, utterance, label, name, value,
    cast(count(distinct user_id) as bigint) as users
from named
where name is not null and value is not null and (value <> '' or name = '')
group by locale, utterance, label, name, value
