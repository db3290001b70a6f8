-- The hypothesis and slots that the assistant heard last in each wording that it executed.
-- reads people: what people said in the window
with placed as (
    select
        locale,
        ran as utterance,
        intent,
        slots,
        row_number() over (partition by locale, ran order by at_ms desc, turn_id desc) as place
    from people
    where intent is not null
)
select locale, utterance, intent, slots
from placed
where place = 1
