-- The wordings of open problems, of those that k users or more said on the newest days: what to test an assistant with.
-- problem_id: the problem
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- heard: hypothesis under which it fails; null where the assistant had none, or where fewer than k users had it
-- label: what it is believed to mean; null where nothing is believed
-- probability: probability that the label is right, 0 to 1
-- turns: times it was said on the days that count for the problem, to a multiple of k
-- users: distinct users who said it on these days, to a multiple of k
with best as (
    select * from data.soft_labels where probability >= 0.5
    qualify row_number() over (partition by locale, utterance order by probability desc, label) = 1
),
failing as (
    select
        m.problem_id,
        m.locale,
        s.shown as utterance,
        i.intent as heard,
        sum(m.turns) as turns,
        max(m.users) as users
    from lake_problem_members as m
    inner join data.problems as p on m.problem_id = p.problem_id and p.status = 'open'
    inner join said as s on m.locale = s.locale and m.utterance = s.utterance
    left join data.intent_totals as i on m.locale = i.locale and m.intent = i.intent
    where m.users >= $k
    group by m.problem_id, m.locale, s.shown, i.intent
)
select
    f.problem_id,
    f.locale,
    f.utterance,
    f.heard,
    b.label,
    b.probability,
    few_of(f.turns, f.users) as turns,
    few(f.users) as users
from failing as f
left join best as b on f.locale = b.locale and f.utterance = b.utterance
