-- What may be a new intent, as the newest night found it: more people want it than before, fewer than half of them come out
-- well, and no label is believed of it. Only of k users or more. One in twenty may be none.
-- candidate_id: the candidate; keeps its id while it lives on
-- locale: BCP 47 tag
-- since: night since which it is one
-- representative: its most said wording, as it may be shown; null where none is published
-- examples: up to five of its wordings, the most said first, as they may be shown
-- wordings: its wordings of the newest 7 days, to a multiple of k; null below k
-- users: distinct users of the window, to a multiple of k
-- well: share of those who said it who came out well, at once or in the end
-- label: the label that explains most of it; null where there is none, or fewer than k users had it
-- explained: how much of it that label explains
with members as (
    select m.locale, m.candidate_id, s.shown, max(s.users) as users
    from lake_intent_candidate_members as m
    inner join said as s on m.locale = s.locale and m.utterance = s.utterance
    group by m.locale, m.candidate_id, s.shown
),
told as (
    select locale, candidate_id, array_agg(shown order by users desc, shown)[1:5] as examples
    from members
    group by locale, candidate_id
)
select
    c.candidate_id,
    c.locale,
    cast(c.since as date) as since,
    t.examples[1] as representative,
    t.examples,
    few_of(c.wordings, c.users) as wordings,
    few(c.users) as users,
    share(c.well) as well,
    i.intent as label,
    share(c.explained) as explained
from lake_intent_candidates as c
left join told as t on c.locale = t.locale and c.candidate_id = t.candidate_id
left join lake_daily_intents as i
    on c.locale = i.locale and c.label = i.intent and i.day = 'all' and i.users >= $k
where c.users >= $k
