-- Values of slots that k users or more said, masked as wordings are; which are new, by the week in which they were heard first.
-- locale: BCP 47 tag
-- slot: name of the slot
-- value: the value, as it may be shown
-- first_week: Monday of the first week of the window in which it was heard
-- heard: times it was heard, to a multiple of k
-- users: distinct users who said it, to a multiple of k; of values that are shown alike, those of the one that most said
-- corrected: times it was corrected, to a multiple of k; null where fewer than k users did
-- known: whether the seed data has it
-- candidate: whether it is new, of users enough, and corrected by fewer than half of them
select
    locale,
    name as slot,
    shown as value,
    cast(date_trunc('week', cast(min(first_day) as date)) as date) as first_week,
    few_of(sum(heard), max(users)) as heard,
    few(max(users)) as users,
    few_of(sum(corrected), max(users_corrected)) as corrected,
    bool_or(known) as known,
    bool_or(candidate) and not bool_or(known) as candidate
from lake_slot_values
where users >= $k
group by locale, name, shown
