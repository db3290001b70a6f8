-- What waits for a person, or for evidence: models, messages, rewrites, labels and clusters.
-- kind: model, message, rewrite, label or cluster
-- locale: BCP 47 tag; null where it is for all
-- what: version, wording or cluster
-- because: why it waits
-- users: distinct users whom it concerns, to a multiple of k; null where fewer than k, or where it is not about users
-- how: what to do
with newest as (
    select e.challenger, e.because
    from data.evaluations as e
    inner join data.models as m on e.challenger = m.version
    where e.intent = 'all' and e.locale = 'all' and not m.champion and not m.rejected
        and string_split(e.challenger, '-')[4] = (select max(string_split(version, '-')[4]) from data.models)
),
best as (
    select * from data.soft_labels
    qualify row_number() over (partition by locale, utterance order by probability desc, label) = 1
),
unsure as (
    select * from best where probability < 0.6 and users is not null
    qualify row_number() over (order by users desc, locale, utterance) <= 50
),
unnamed as (
    select * from data.clusters where verdict is null and wordings > 1
    qualify row_number() over (order by users desc, locale, cluster_id) <= 50
)
select
    'model' as kind, null as locale, challenger as what, array_to_string(because, '; ') as because, null as users,
    'sayagain approve ' || challenger || ', or leave it' as how
from newest
union all
select
    'message', null, version, coalesce(answer, 'not sent yet'), null, 'sayagain hold --release, where a hold keeps it'
from data.outbox where status = 'waiting'
union all
select
    'rewrite', locale, source, 'withdrawn: its turns show that ' || target || ' does not help', null,
    'sayagain review'
from data.rewrite_experiments where status = 'withdrawn'
union all
select
    'label', locale, utterance, 'best label ' || label || ' is believed at ' || probability, users,
    'sayagain review'
from unsure
union all
select
    'cluster', locale, representative, 'nobody looked at it, and at the others of its cluster', users,
    'sayagain review --cluster ' || cluster_id
from unnamed
