-- How many users said a wording, and how many of them said it again, in replicates of the log in
-- which each user is drawn a Poisson number of times (mean one); the draw is a hash of user and
-- replicate, so that it is the same everywhere. Replicate 0 has each user once.
-- asked: locale, utterance and intent of the wordings to count; replicates: their numbers
with heard as (
    select
        a.locale,
        a.utterance,
        t.user_id,
        cast(
            floor(
                cast(
                    sum(cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint))
                    as double
                ) / cast(count(*) as double)
            ) as bigint
        ) as fled
    from people as t
    inner join asked as a
        on t.locale = a.locale
        and t.utterance = a.utterance
        and t.utterance = t.ran
        and coalesce(t.best_intent, '') = a.intent
    left join followed as f on t.turn_id = f.source_turn_id
    group by a.locale, a.utterance, t.user_id
),
hashed as (
    select
        h.*,
        r.replicate,
        substring(md5(concat(h.user_id, '-', cast(r.replicate as string))), 1, 4) as drawn
    from heard as h
    cross join replicates as r
),
weighed as (
    select
        *,
        case
            when replicate = 0 then 1
            when drawn < '5e2d' then 0
            when drawn < 'bc5a' then 1
            when drawn < 'eb71' then 2
            when drawn < 'fb23' then 3
            when drawn < 'ff10' then 4
            else 5
        end as times
    from hashed
)
select
    locale,
    utterance,
    replicate,
    cast(sum(times) as double) as users,
    cast(sum(times * fled) as double) / cast(1000000 as double) as fled
from weighed
group by locale, utterance, replicate
