-- Wordings that failed k users or more, in locales launched within the last 90 days: which hurt most, and what is believed of them.
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users who said it
-- failed: turns that failed their users, expected number
-- label: best label, where k users or more had it; null where there is none
-- probability: probability that it is right, 0 to 1
with best as (
    select locale, utterance, label, probability
    from data.soft_labels
    qualify row_number() over (partition by locale, utterance order by probability desc, label) = 1
),
hurting as (
    select s.locale, s.shown as utterance, max(s.turns) as turns, max(s.users) as users, max(h.failed) as failed, max(h.users_failed) as users_failed
    from said as s
    inner join lake_failing_utterances as h on s.locale = h.locale and s.utterance = h.utterance
    where s.locale in (select locale from data.launches where days <= 90)
    group by s.locale, s.shown
)
select
    h.locale,
    h.utterance,
    few_of(h.turns, h.users) as turns,
    few(h.users) as users,
    few_of(h.failed, h.users_failed) as failed,
    b.label,
    b.probability
from hurting as h
left join best as b on h.locale = b.locale and h.utterance = b.utterance
where few_of(h.failed, h.users_failed) is not null
