-- How many users said a wording, and how many of them it failed, in replicates of the log in
-- which each user is drawn a Poisson number of times (mean one); the draw is a hash of user and
-- replicate, so that it is the same everywhere. Replicate 0 has each user once.
-- defects: the probability that each turn failed its user; asked: locale, utterance and intent of the wordings to count; replicates: their numbers
with heard as (
    select
        a.locale,
        a.utterance,
        t.user_id,
        cast(
            floor(
                cast(
                    sum(cast(round(coalesce(d.p_defect, cast(0.5 as double)) * 1000000) as bigint))
                    as double
                ) / cast(count(*) as double)
            ) as bigint
        ) as failed
    from people as t
    inner join asked as a
        on t.locale = a.locale
        and t.utterance = a.utterance
        and t.utterance = t.ran
        and coalesce(t.best_intent, '') = a.intent
    left join defects as d on t.turn_id = d.turn_id
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
    cast(sum(times * failed) as double) / cast(1000000 as double) as failed
from weighed
group by locale, utterance, replicate
