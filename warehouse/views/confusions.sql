-- What the assistant heard, and what was meant, over the turns of the window whose meaning is believed. Only of k
-- users or more.
-- locale: BCP 47 tag
-- heard: intent that the assistant heard; null where it had no hypothesis
-- meant: intent that is believed
-- turns: turns, to a multiple of k
-- users: distinct users, to a multiple of k
-- wrong: it heard another intent than was meant, or none
select
    locale,
    nullif(heard, '') as heard,
    meant,
    few_of(turns, users) as turns,
    few(users) as users,
    heard <> meant as wrong
from lake_confusions
where users >= $k
