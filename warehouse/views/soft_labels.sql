-- What is believed of the meaning of wordings said by k users or more; labels that k users or more had, or are believed to
-- have meant, in the locale.
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- label: intent
-- probability: probability that the label is right, 0 to 1
-- users: distinct users behind the wording's cluster and label, to a multiple of k; null where fewer than k
-- votes: weight of the votes for it, to a multiple of k; null where fewer than k users
select
    l.locale,
    s.shown as utterance,
    l.label,
    share(sum(l.probability * w.turns) / max(s.turns)) as probability,
    few(max(l.users)) as users,
    few_of(sum(l.votes), max(l.users)) as votes
from lake_soft_labels as l
inner join said as s on l.locale = s.locale and l.utterance = s.utterance
inner join lake_utterance_stats as w on l.locale = w.locale and l.utterance = w.utterance
where (l.locale, l.label) in (
    select locale, intent from lake_daily_intents where day = 'all' and users >= $k
    union all select locale, meant from lake_confusions where users >= $k
)
group by l.locale, s.shown, l.label
having share(sum(l.probability * w.turns) / max(s.turns)) > 0
