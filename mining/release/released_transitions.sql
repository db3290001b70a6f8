-- From a wording to the one with which its users ended up (transitions.sql), both as they are shown.
-- reads chain_ends: where their chains end
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads released: locale, utterance, shown
-- reads turns: the turns of the window
with walked as (
    select
        a.locale,
        a.shown as source,
        b.shown as target,
        s.user_id,
        count(*) as occurrences,
        max(e.p_chain) as p_same,
        max(e.p_chain * (cast(1 as double) - coalesce(f.p_rephrase, cast(0 as double)))) as p_kept
    from chain_ends as e
    inner join turns as s on e.turn_id = s.turn_id
    inner join turns as t on e.end_turn_id = t.turn_id
    inner join released as a on s.locale = a.locale and s.utterance = a.utterance
    inner join released as b on t.locale = b.locale and t.utterance = b.utterance
    left join best_rephrases as f on e.end_turn_id = f.source_turn_id
    where a.shown <> b.shown
    group by a.locale, a.shown, b.shown, s.user_id
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
