-- Where saying it again leads: an absorbing chain from each wording over interpretations (hypothesis
-- with its values where the log has slots, else the wording), four steps, the :most likeliest places
-- of each kept (after Ponnusamy et al. 2020, arXiv 1911.02557). A user counts once for a step; the
-- rows are smoothed by one user who goes nowhere. A rewrite that ran is a step too: its users who
-- accepted speak for it, those who did not against it. Probabilities are whole millionths.
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
-- takes :most
with said as (
    select
        t.turn_id,
        t.user_id,
        t.locale,
        t.utterance,
        t.ran,
        coalesce(t.interpretation, t.ran) as place
    from people as t
),
steps as (
    select
        s.locale,
        s.user_id,
        s.utterance,
        s.place as source,
        t.place as target,
        cast(round(f.p_rephrase * 1000000) as bigint) as p
    from best_rephrases as f
    inner join said as s on f.source_turn_id = s.turn_id
    inner join said as t on f.target_turn_id = t.turn_id
    where f.p_rephrase >= 0.5 and s.utterance <> t.utterance
    union all
    select
        s.locale,
        s.user_id,
        s.utterance,
        s.utterance as source,
        s.place as target,
        1000000 - cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000000) as bigint) as p
    from said as s
    left join best_rephrases as f on s.turn_id = f.source_turn_id
    where s.ran <> s.utterance
),
speakers as (
    select locale, utterance, count(distinct user_id) as users from said group by locale, utterance
),
visitors as (
    select locale, place, count(distinct user_id) as users from said group by locale, place
),
by_user as (
    select
        locale,
        utterance,
        target,
        user_id,
        max(source) as source,
        count(*) as occurrences,
        cast(floor(cast(sum(p) as double) / cast(count(*) as double)) as bigint) as p
    from steps
    group by locale, utterance, target, user_id
),
walk1 as (
    select
        b.locale,
        b.utterance,
        b.target,
        cast(floor(cast(sum(b.p) as double) / cast(max(s.users) + 1 as double)) as bigint) as reach,
        cast(floor(cast(sum(b.p) as double) / cast(count(*) as double)) as bigint) as same,
        count(*) as users,
        sum(b.occurrences) as occurrences
    from by_user as b
    inner join speakers as s on b.locale = s.locale and b.utterance = s.utterance
    where b.target <> b.source
    group by b.locale, b.utterance, b.target
),
moves as (
    select
        b.locale,
        b.source,
        b.target,
        cast(floor(cast(sum(b.p) as double) / cast(max(v.users) + 1 as double)) as bigint) as reach,
        cast(floor(cast(sum(b.p) as double) / cast(count(*) as double)) as bigint) as same
    from by_user as b
    inner join visitors as v on b.locale = v.locale and b.source = v.place
    where b.target <> b.source
    group by b.locale, b.source, b.target
),
walk2 as (
    select w.locale, w.utterance, m.target,
        sum(cast(floor(cast(w.reach as double) * cast(m.reach as double) / 1000000) as bigint)) as reach,
        max(cast(floor(cast(w.same as double) * cast(m.same as double) / 1000000) as bigint)) as same
    from walk1 as w
    inner join moves as m on w.locale = m.locale and w.target = m.source
    where m.target <> w.utterance
    group by w.locale, w.utterance, m.target
),
kept2 as (
    select * from (
        select *, row_number() over (
            partition by locale, utterance order by reach desc, target
        ) as choice from walk2
    ) as ranked
    where choice <= :most
),
walk3 as (
    select w.locale, w.utterance, m.target,
        sum(cast(floor(cast(w.reach as double) * cast(m.reach as double) / 1000000) as bigint)) as reach,
        max(cast(floor(cast(w.same as double) * cast(m.same as double) / 1000000) as bigint)) as same
    from kept2 as w
    inner join moves as m on w.locale = m.locale and w.target = m.source
    where m.target <> w.utterance
    group by w.locale, w.utterance, m.target
),
kept3 as (
    select * from (
        select *, row_number() over (
            partition by locale, utterance order by reach desc, target
        ) as choice from walk3
    ) as ranked
    where choice <= :most
),
walk4 as (
    select w.locale, w.utterance, m.target,
        sum(cast(floor(cast(w.reach as double) * cast(m.reach as double) / 1000000) as bigint)) as reach,
        max(cast(floor(cast(w.same as double) * cast(m.same as double) / 1000000) as bigint)) as same
    from kept3 as w
    inner join moves as m on w.locale = m.locale and w.target = m.source
    where m.target <> w.utterance
    group by w.locale, w.utterance, m.target
),
walked as (
    select locale, utterance, target, reach, same, users, occurrences from walk1
    union all
    select locale, utterance, target, reach, same, 0 as users, 0 as occurrences from kept2
    union all
    select locale, utterance, target, reach, same, 0 as users, 0 as occurrences from kept3
    union all
    select locale, utterance, target, reach, same, 0 as users, 0 as occurrences from walk4
),
faces as (
    select locale, place, ran
    from (
        select
            locale,
            place,
            ran,
            row_number() over (
                partition by locale, place order by count(distinct user_id) desc, ran
            ) as choice
        from said
        group by locale, place, ran
    ) as ranked
    where choice = 1
),
arrived as (
    select
        w.locale,
        w.utterance as source,
        f.ran as target,
        cast(sum(w.reach) as double) / cast(1000000 as double) as reach,
        cast(max(w.same) as double) / cast(1000000 as double) as p_same,
        cast(sum(w.users) as bigint) as users,
        cast(sum(w.occurrences) as bigint) as occurrences
    from walked as w
    inner join faces as f on w.locale = f.locale and w.target = f.place
    where f.ran <> w.utterance
    group by w.locale, w.utterance, f.ran
)
select locale, source, target, reach, p_same, users, occurrences
from (
    select *, row_number() over (
        partition by locale, source order by reach desc, p_same desc, target
    ) as choice from arrived
) as ranked
where choice <= :most
