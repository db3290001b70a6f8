-- What several views read. The wordings that may be shown, and how:
create temp table said as
select locale, utterance, shown, turns, users
from lake_released_utterances
where users >= getvariable('k');

-- A day (`all`: the window) of an intent that was heard (`*`: of the locale), as it may be told; `pooled`: of locales together.
create temp table heard as
with every as (
    select false as pooled, * from lake_daily_intents
    union all select true, * from lake_pooled_intents
),
counted as (
    select
        pooled,
        day,
        locale,
        intent,
        few_of(turns, users) as turns,
        few(users) as users,
        few_of(said_again, users_again) as said_again,
        few_of(defects, users_failed) as defects,
        few_of(failures, users_failure) as failures
    from every
    where users >= getvariable('k')
)
select *, at_least(defects, turns) as defects_at_least, at_most(defects, turns) as defects_at_most
from counted;
