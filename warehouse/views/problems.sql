-- What hurts: what fails users, from the night on which k users or more showed it until they stop. One in twenty may be a false alarm. Those of
-- a locale may count turns of the others, too.
-- problem_id: the problem, the same in every night
-- kind: eaten (an intent is taken for another), intent (what is heard as one fails, no other meaning is believed), wording (one fails, and no other meaning is believed), missing (a wish has no intent), locale (it fails more than it did)
-- locale: BCP 47 tag
-- meant: intent that is believed to be meant; null where none is
-- heard: intent that the assistant heard; null where it had none
-- example: its most said wording, as it may be shown; null where none is published
-- told: what is the matter, in a sentence
-- status: open, closed, or dismissed by a person
-- opened: night on which it opened last
-- closed: night on which it closed; null while it is open
-- times: times it opened
-- worth: turns a day that would not fail without it, of its newest days, counts to a multiple of k; null where it is closed or of fewer than k
-- worth_at_least: what that exceeds in nineteen cases of twenty
-- worth_at_most: what it does not exceed in nineteen of twenty
-- users: distinct users who met it on these days, to a multiple of k; null where fewer than k
-- how: what mends it
with known_intents as (
    select locale, intent from lake_daily_intents where day = 'all' and users >= $k
    union
    select locale, meant from lake_confusions where users >= $k
),
shown as (
    select
        p.* exclude (example),
        nullif(p.heard, '') as taken_for,
        s.shown as example,
        case when r.problem_id is not null then 'dismissed' else cast(p.status as varchar) end as standing
    from lake_problems as p
    left join said as s on p.locale = s.locale and p.example = s.utterance
    left join lake_problem_reviews as r on p.problem_id = r.problem_id
    where p.most_users >= $k
        and (p.kind <> 'wording' or s.shown is not null)
        and (p.meant is null or (p.locale, p.meant) in (select locale, intent from known_intents))
        and (coalesce(p.heard, '') = '' or (p.locale, p.heard) in (select locale, intent from known_intents))
)
select
    problem_id,
    cast(kind as varchar) as kind,
    locale,
    meant,
    taken_for as heard,
    example,
    case cast(kind as varchar)
        when 'eaten' then meant || case when named >= 0.9 then ' is' else ' may be' end || ' mistaken for ' || coalesce(taken_for, 'nothing that it knows')
        when 'intent' then 'what is taken for ' || meant || ' fails, and what is meant instead is not known'
        when 'wording' then '"' || example || '" fails, ' || case
            when meant is null then 'and what it means is not known'
            else 'though ' || meant || ' seems to be understood'
        end
        when 'missing' then 'a wish that no intent serves' || coalesce(', such as "' || example || '"', '')
        else printf('%.0f%% of turns fail, where %.0f%% did', 100 * share(rate), 100 * share(usual))
    end as told,
    standing as status,
    cast(opened as date) as opened,
    cast(closed as date) as closed,
    times,
    round(few_of(failed, users) / days, 1) as worth,
    case when few_of(failed, users) is not null
        then round(coalesce(few_of(failed_at_least, users), 0) / days, 1)
    end as worth_at_least,
    case when few_of(failed, users) is not null then round(few_of(failed_at_most, users) / days, 1) end as worth_at_most,
    few(users) as users,
    case cast(kind as varchar)
        when 'eaten' then 'retraining, where that pays: sayagain retrain'
        when 'intent' then 'a look at what the assistant does then, and at the wordings: sayagain problems ' || problem_id
        when 'wording' then case when meant is null then 'a person who tells what it means: sayagain review' else 'a look at what the assistant does with it' end
        when 'missing' then 'an intent for it; its wordings: sayagain problems ' || problem_id
        else 'a look at what changed there by ' || opened
    end as how
from shown
