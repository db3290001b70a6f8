-- Of each unit (a group of wordings): how many people said it since :since (milliseconds since 1970), and for how many of
-- them it came out well in the end, an expected number: where they said it again as far as the last turn of the chain did
-- not fail them, else as far as the turn itself did not. A person's mean over his turns, summed in millionths.
-- reads defects: the turns, with the probability that they failed
-- reads chain_ends: where their chains end
-- reads grouped: locale, kind, unit, utterance
-- reads people: what people said in the window
-- takes :since
with ended as (
    select
        t.turn_id,
        t.user_id,
        t.locale,
        t.utterance,
        cast(round(
            (1 - coalesce(e.p_chain, cast(0 as double))) * (1 - coalesce(d.p_defect, cast(0.5 as double))) * 1000000
        ) as bigint) as at_once,
        cast(round(
            coalesce(e.p_chain, cast(0 as double)) * (1 - coalesce(l.p_defect, cast(0.5 as double))) * 1000000
        ) as bigint) as in_the_end
    from people as t
    left join chain_ends as e on t.turn_id = e.turn_id
    left join defects as d on t.turn_id = d.turn_id
    left join defects as l on e.end_turn_id = l.turn_id
    where t.at_ms >= :since
),
of_users as (
    select
        g.locale,
        g.kind,
        g.unit,
        t.user_id,
        cast(floor(cast(sum(t.at_once + t.in_the_end) as double) / cast(count(*) as double)) as bigint) as well
    from ended as t
    inner join grouped as g on t.locale = g.locale and t.utterance = g.utterance
    group by g.locale, g.kind, g.unit, t.user_id
)
select
    locale,
    kind,
    unit,
    cast(count(*) as bigint) as users,
    cast(sum(well) as double) / cast(1000000 as double) as well
from of_users
group by locale, kind, unit
