-- Locales of k users or more, since they were launched: what is believed of them, what waits, what failed, and how much of that
-- could be mended by now. That share is an estimate without truth: of the turns that failed, so probably, the expected share
-- for which another label than the executed one is believed, as probably as it is believed.
-- locale: BCP 47 tag
-- launched: first day by which k users had spoken it
-- days: days since then
-- turns: turns of the window since then, to a multiple of k, as all counts here but days and seed
-- users: distinct users
-- seed: utterances of seed data
-- wordings: wordings of the window
-- labelled: wordings that have a label; null where fewer than k
-- believed: wordings whose label is believed: those of the training set; null where fewer than k
-- believed_turns: their turns; null where of fewer than k users
-- published: wordings that may be shown
-- unlabelled: wordings without any label; null where fewer than k
-- too_few: wordings with a label that too few users are behind; null where fewer than k
-- unsure: wordings whose best label is not believed by enough of them; null where fewer than k
-- waiting: wordings that k users or more said and whose best label is believed below 0.6: a person could tell; null where fewer than k
-- failed: turns that failed their users, expected number; null where of fewer than k users
-- failed_first: share of the first 7 days' turns that failed, as far as the window has them; null where of fewer than k users
-- failed_first_at_least: what that share exceeds in nineteen cases of twenty
-- failed_first_at_most: what it does not exceed in nineteen cases of twenty
-- failed_last: share of the last 7 days' turns that failed; null where of fewer than k users
-- failed_last_at_least: what that share exceeds in nineteen cases of twenty
-- failed_last_at_most: what it does not exceed in nineteen cases of twenty
-- recovered: of the turns that failed, how many could be mended by now, expected number, estimated; null where of fewer than k users
-- recovered_share: the same as a share of the turns that failed
-- recovered_at_least: what that share exceeds in nineteen cases of twenty
-- recovered_at_most: what it does not exceed in nineteen cases of twenty
with best as (
    select locale, utterance, max(probability) as probability
    from data.soft_labels
    where users is not null
    group by locale, utterance
),
unsure as (
    select locale, count(*) as waiting from best where probability < 0.6 group by locale
),
seen as (
    select locale, count(distinct shown) as published from said group by locale
),
counted as (
    select
        *,
        few(first_turns) as turns_first,
        few(last_turns) as turns_last,
        few_of(first_failed, first_users_failed) as bad_first,
        few_of(last_failed, last_users_failed) as bad_last,
        few_of(recovered, users_recovered) as mended
    from lake_launches
    where users >= $k
)
select
    c.locale,
    cast(c.launched as date) as launched,
    c.days,
    few_of(c.turns, c.users) as turns,
    few(c.users) as users,
    c.seed,
    few(c.wordings) as wordings,
    few(c.labelled) as labelled,
    few(c.believed) as believed,
    few_of(c.believed_turns, c.believed_users) as believed_turns,
    few(s.published) as published,
    few(c.unlabelled) as unlabelled,
    few(c.too_few) as too_few,
    few(c.unsure) as unsure,
    few(u.waiting) as waiting,
    few_of(c.failed, c.users_failed) as failed,
    share(c.bad_first / c.turns_first) as failed_first,
    at_least(c.bad_first, c.turns_first) as failed_first_at_least,
    at_most(c.bad_first, c.turns_first) as failed_first_at_most,
    share(c.bad_last / c.turns_last) as failed_last,
    at_least(c.bad_last, c.turns_last) as failed_last_at_least,
    at_most(c.bad_last, c.turns_last) as failed_last_at_most,
    c.mended as recovered,
    case when c.mended is not null then share(c.recovered / c.failed) end as recovered_share,
    case when c.mended is not null then share(c.recovered_at_least) end as recovered_at_least,
    case when c.mended is not null then share(c.recovered_at_most) end as recovered_at_most
from counted as c
left join seen as s on c.locale = s.locale
left join unsure as u on c.locale = u.locale
