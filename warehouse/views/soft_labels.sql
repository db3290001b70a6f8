-- What is believed of the meaning of wordings said by k users or more.
-- locale: BCP 47 tag
-- utterance: wording
-- label: intent
-- probability: probability that the label is right, 0 to 1
-- users: distinct users behind the wording's cluster and label; null where fewer than k
-- votes: weight of the votes for it; null where fewer than k users
select
    l.locale,
    l.utterance,
    l.label,
    l.probability,
    case when l.users >= $k then l.users end as users,
    case when l.users >= $k then l.votes end as votes
from lake_soft_labels as l
inner join lake_wordings as w on l.locale = w.locale and l.utterance = w.utterance
where w.users >= $k
order by l.locale, l.utterance, l.probability desc, l.label
