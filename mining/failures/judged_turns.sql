-- What became of each wording under a hypothesis of the assistant: of its users, who count once each with the mean of their
-- turns, and of its turns, for which the rates of coming back are told. Turns that ran as they were said. Sums are of whole
-- millionths, the same in any order.
-- reads defects: the probability of each turn of the window that it failed
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
-- takes :sure: millionths; no user is surer than this, or the reverse
with judged as (
    select
        t.locale,
        t.utterance,
        coalesce(t.best_intent, '') as intent,
        t.user_id,
        d.p_defect as p,
        coalesce(f.p_rephrase, cast(0 as double)) as again
    from people as t
    inner join defects as d on t.turn_id = d.turn_id
    left join best_rephrases as f on t.turn_id = f.source_turn_id
    where t.ran = t.utterance
),
by_user as (
    select
        locale,
        utterance,
        intent,
        cast(count(*) as double) as turns,
        cast(sum(cast(round(p * 1000000) as bigint)) as double) as failed,
        cast(sum(cast(round(again * 1000000) as bigint)) as double) as again,
        cast(sum(cast(round(p * again * 1000000) as bigint)) as double) as failed_again
    from judged
    group by locale, utterance, intent, user_id
),
shares as (
    select
        *,
        cast(round(failed / turns) as bigint) as share,
        least(
            greatest(failed / turns, cast(:sure as double)),
            cast(1000000 as double) - cast(:sure as double)
        ) / cast(1000000 as double) as clipped
    from by_user
)
select
    locale,
    utterance,
    intent,
    cast(count(*) as double) as users,
    cast(sum(share) as double) / cast(1000000 as double) as failed,
    cast(
        sum(cast(round(ln((cast(1 as double) - clipped) / clipped) * 1000000) as bigint)) as double
    ) / cast(1000000 as double) as odds,
    cast(min(share) as double) / cast(1000000 as double) as best,
    cast(max(share) as double) / cast(1000000 as double) as worst,
    cast(sum(cast(round(again / turns) as bigint)) as double) / cast(1000000 as double)
        / cast(count(*) as double) as again,
    cast(sum(turns) as double) as turns,
    cast(sum(failed) as double) / cast(1000000 as double) as turns_failed,
    cast(sum(again) as double) / cast(1000000 as double) as turns_again,
    cast(sum(failed_again) as double) / cast(1000000 as double) as turns_failed_again
from shares
group by locale, utterance, intent
