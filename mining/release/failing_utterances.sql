-- Of each wording that may be shown, how many turns of all that are shown alike failed their users (expected number, summed in
-- millionths), and of how many users.
-- reads defects: the turns, with the probability that they failed
-- reads people: what people said in the window
-- reads released: locale, utterance, shown
with counted as (
    select
        s.locale,
        s.shown,
        sum(cast(round(d.p_defect * 1000000) as bigint)) as failed,
        count(distinct case when d.p_defect >= 0.5 then t.user_id end) as users
    from people as t
    inner join released as s on t.locale = s.locale and t.utterance = s.utterance
    inner join defects as d on t.turn_id = d.turn_id
    group by s.locale, s.shown
)
select
    s.locale,
    s.utterance,
    cast(c.failed as double) / cast(1000000 as double) as failed,
    cast(c.users as bigint) as users_failed
from released as s
inner join counted as c on s.locale = c.locale and s.shown = c.shown
where c.users > 0
