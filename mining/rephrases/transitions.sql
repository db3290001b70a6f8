-- From a wording to the one with which its users ended up. A user counts once for each move.
-- p_same: that the two say the same thing; p_kept: also that the users stayed with the last one
-- reads chain_ends: where their chains end
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads turns: the turns of the window
with walked as (
    select
        s.locale,
        s.utterance as source,
        t.utterance as target,
        s.user_id,
        count(*) as occurrences,
        max(e.p_chain) as p_same,
        max(e.p_chain * (cast(1 as double) - coalesce(f.p_rephrase, cast(0 as double)))) as p_kept
    from chain_ends as e
    inner join turns as s on e.turn_id = s.turn_id
    inner join turns as t on e.end_turn_id = t.turn_id
    left join best_rephrases as f on e.end_turn_id = f.source_turn_id
    where s.utterance <> t.utterance
    group by s.locale, s.utterance, t.utterance, s.user_id
)
select
    locale,
    source,
    target,
    cast(count(*) as bigint) as users,
    cast(sum(occurrences) as bigint) as occurrences,
    max(p_same) as p_same,
    max(p_kept) as p_kept
from walked
group by locale, source, target
