-- The slot values that the assistant heard last in each wording that it executed.
-- reads people: what people said in the window
with placed as (
    select
        locale,
        ran as utterance,
        slots,
        row_number() over (partition by locale, ran order by at_ms desc, turn_id desc) as place
    from people
    where intent is not null
)
select locale, utterance, transform(slots, v -> v.value) as heard
from placed
where place = 1
