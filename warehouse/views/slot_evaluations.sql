-- Slots of a challenger and the champion, on cases of the seed data whose slots are known, under the true intent: a row for all, and one a
-- slot of k cases or more that k users or more filled.
-- challenger: model that wants to serve
-- champion: model that served then; null where there was none
-- slot: name of the slot, or all
-- cases: true slots of that name among the cases, to a multiple of k
-- champion_f1: harmonic mean of precision and recall of name and value, 0 to 1; null where there was no champion
-- challenger_f1: the same of the challenger
select
    challenger,
    champion,
    slot,
    few(cases) as cases,
    share(champion_f1) as champion_f1,
    share(challenger_f1) as challenger_f1
from all_slot_evaluations
where cases >= $k and (slot = 'all' or slot in (select slot from data.slots))
