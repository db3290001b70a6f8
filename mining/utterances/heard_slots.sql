-- What the assistant heard in slots: by slot of an intent (without value), and by value of a slot (without intent). A value is
-- corrected where its user said it again, and then the slot held another in the same intent.
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads defects: how probably each turn failed its user
-- reads people: what people said in the window
with named as (
    select t.turn_id, t.user_id, t.locale, t.day, t.intent, s.name as name, s.value as value
    from people as t
    lateral view explode(slots) as s
    where t.intent is not null
),
heard as (
    select * from named where name is not null and value is not null and value <> ''
),
again as (
    select
        a.turn_id,
        a.name,
        a.value,
        max(case when lower(a.value) = lower(b.value) then 1 else 0 end) as kept
    from best_rephrases as f
    inner join heard as a on f.source_turn_id = a.turn_id
    inner join heard as b on f.target_turn_id = b.turn_id
    where f.p_rephrase >= 0.5 and a.name = b.name and a.intent = b.intent
    group by a.turn_id, a.name, a.value
),
told as (
    select
        h.locale,
        h.intent,
        h.name,
        h.value,
        h.day,
        h.user_id,
        cast(round(d.p_defect * 1000000) as bigint) as failed,
        case when a.kept = 0 then h.user_id end as corrected_by
    from heard as h
    inner join defects as d on h.turn_id = d.turn_id
    left join again as a on h.turn_id = a.turn_id and h.name = a.name and h.value = a.value
)
select
    locale,
    intent,
    name,
    value,
    min(day) as first_day,
    cast(count(*) as bigint) as heard,
    cast(count(distinct user_id) as bigint) as users,
    cast(count(corrected_by) as bigint) as corrected,
    cast(count(distinct corrected_by) as bigint) as users_corrected,
    cast(sum(failed) as double) / cast(1000000 as double) as failed
from told
group by grouping sets ((locale, intent, name), (locale, name, value))
