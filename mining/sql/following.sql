-- How often a wording, and how often an answer of the assistant, is followed by anything at all in
-- its session.
-- turns, pairs and robots: of the window
with seen as (
    select p.*, case when n.source_turn_id is null then 0 else 1 end as followed
    from people as p
    left join (select source_turn_id from pairs where apart = 1) as n
        on p.turn_id = n.source_turn_id
)
select
    locale,
    'utterance' as of,
    utterance as text,
    cast(count(*) as bigint) as turns,
    cast(sum(followed) as bigint) as followed
from seen
group by locale, utterance
union all
select
    locale,
    'response' as of,
    response as text,
    cast(count(*) as bigint) as turns,
    cast(sum(followed) as bigint) as followed
from seen
where response is not null
group by locale, response
