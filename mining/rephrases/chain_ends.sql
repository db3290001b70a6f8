-- Where each chain of saying it again ends. Three doublings follow up to eight steps; a step counts
-- where it is more likely than not, and never leads back, since a target is later than its source.
-- reads best_rephrases: the turns that were said again, each with its most probable target
with step1 as (
    select source_turn_id as turn_id, target_turn_id as end_turn_id, p_rephrase as p_chain
    from best_rephrases
    where p_rephrase >= 0.5
),
step2 as (
    select
        a.turn_id,
        coalesce(b.end_turn_id, a.end_turn_id) as end_turn_id,
        a.p_chain * coalesce(b.p_chain, cast(1 as double)) as p_chain
    from step1 as a
    left join step1 as b on a.end_turn_id = b.turn_id
),
step4 as (
    select
        a.turn_id,
        coalesce(b.end_turn_id, a.end_turn_id) as end_turn_id,
        a.p_chain * coalesce(b.p_chain, cast(1 as double)) as p_chain
    from step2 as a
    left join step2 as b on a.end_turn_id = b.turn_id
)
select
    a.turn_id,
    coalesce(b.end_turn_id, a.end_turn_id) as end_turn_id,
    a.p_chain * coalesce(b.p_chain, cast(1 as double)) as p_chain
from step4 as a
left join step4 as b on a.end_turn_id = b.turn_id
