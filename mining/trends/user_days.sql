-- What became of a user's turns on a day, in a locale: how many there were, and of how many the label is believed; how many
-- failed, and of how many of those another label than the one that was executed is believed and right (expected numbers, in
-- millionths; an estimate); and how many of the turns that probably failed have such a label.
-- reads believed: locale, utterance, label, probability
-- reads defects: the turns, with the probability that they failed
-- reads people: what people said in the window
with told as (
    select
        t.locale,
        t.user_id,
        t.day,
        case when b.label is null then 0 else 1 end as believed,
        case when b.label is null or b.label = coalesce(t.intent, '') then cast(0 as double) else b.probability end as other,
        coalesce(d.p_defect, cast(0 as double)) as failed
    from people as t
    left join defects as d on t.turn_id = d.turn_id
    left join believed as b on t.locale = b.locale and t.utterance = b.utterance
)
select
    locale,
    user_id,
    day,
    cast(count(*) as bigint) as turns,
    cast(sum(believed) as bigint) as believed,
    cast(sum(cast(round(failed * 1000000) as bigint)) as bigint) as failed,
    cast(sum(cast(round(failed * other * 1000000) as bigint)) as bigint) as recovered,
    cast(sum(case when failed >= 0.5 then 1 else 0 end) as bigint) as failures,
    cast(sum(case when failed >= 0.5 and other > 0 then 1 else 0 end) as bigint) as recoverable
from told
group by locale, user_id, day
