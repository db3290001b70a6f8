-- Each turn that was said again, with its most probable target; ties go to the nearer one.
-- reads rephrase_events: of the window
with ranked as (
    select
        source_turn_id,
        target_turn_id,
        p_rephrase,
        row_number() over (
            partition by source_turn_id
            order by p_rephrase desc, seconds, target_turn_id
        ) as choice
    from rephrase_events
)
select source_turn_id, target_turn_id, p_rephrase
from ranked
where choice = 1
