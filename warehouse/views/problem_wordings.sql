-- The wordings of open problems, of those said by k users or more: what to test an assistant with.
-- problem_id: the problem
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- heard: hypothesis under which it fails; null where the assistant had none
-- label: what it is believed to mean; null where nothing is believed, or that is what was heard
-- probability: probability that the label is right, 0 to 1
-- turns: times it was said in the newest 7 days, to a multiple of k; null below k
-- users: distinct users of the window who said it, to a multiple of k
with best as (
    select * from data.soft_labels
    qualify row_number() over (partition by locale, utterance order by probability desc, label) = 1
)
select
    m.problem_id,
    m.locale,
    s.shown as utterance,
    case when p.heard is not null then p.heard end as heard,
    case when b.probability >= 0.5 and b.label is distinct from p.heard then b.label end as label,
    case when b.probability >= 0.5 and b.label is distinct from p.heard then max(b.probability) end as probability,
    few_of(sum(m.turns), max(s.users)) as turns,
    few(max(s.users)) as users
from lake_problem_members as m
inner join data.problems as p on m.problem_id = p.problem_id and p.status = 'open'
inner join said as s on m.locale = s.locale and m.utterance = s.utterance
left join best as b on m.locale = b.locale and s.shown = b.utterance
where m.turns > 0
group by m.problem_id, m.locale, s.shown, p.heard, b.label, b.probability
