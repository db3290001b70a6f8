-- Slots of intents, as far as k users or more filled them: how often they fail, and how often users correct them.
-- locale: BCP 47 tag
-- intent: intent that was executed
-- slot: name of the slot
-- heard: values that it held, to a multiple of k
-- users: distinct users behind them, to a multiple of k
-- corrected: values that their users corrected (said again, the slot held another), to a multiple of k; null where fewer than k users did
-- failed: share of the values in turns that failed their users, 0 to 1
select
    locale,
    intent,
    name as slot,
    few_of(heard, users) as heard,
    few(users) as users,
    few_of(corrected, users_corrected) as corrected,
    share(failed / heard) as failed
from lake_slot_figures
where users >= $k
