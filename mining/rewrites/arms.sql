-- What became of wordings that are or were rewritten, by day and user, by what ran and by its hypothesis,
-- each apart from the others: treated turns say what the rewrite does, those that ran as they were said
-- what leaving it alone does. A turn weighs one over the chance of its arm, so that arms whose shares
-- change compare (Horvitz and Thompson 1952). Sums are of whole thousandths.
-- reads experiments: locale, source of the wordings that are rewritten now
-- reads best_rephrases: the turns that were said again, each with its most probable target
-- reads people: what people said in the window
with followed_up as (
    select locale, utterance from people where ran <> utterance group by locale, utterance
    union
    select locale, source as utterance from experiments
),
said as (
    select
        t.day,
        t.locale,
        t.utterance,
        t.ran,
        coalesce(t.best_intent, '') as intent,
        t.user_id,
        t.at_ms,
        cast(
            round(
                cast(1000 as double)
                / greatest(coalesce(t.propensity, cast(1 as double)), cast(0.02 as double))
            ) as bigint
        ) as weight,
        cast(round(coalesce(f.p_rephrase, cast(0 as double)) * 1000) as bigint) as reformulated
    from people as t
    left semi join followed_up as w on t.locale = w.locale and t.utterance = w.utterance
    left join best_rephrases as f on t.turn_id = f.source_turn_id
)
select
    day,
    locale,
    utterance,
    ran,
    intent,
    user_id,
    cast(max(at_ms) as bigint) as last_ms,
    cast(sum(weight) as double) / cast(1000 as double) / cast(count(*) as double) as weight,
    cast(sum(weight * reformulated) as double) / cast(sum(weight) as double) / cast(1000 as double) as reformulated
from said
group by day, locale, utterance, ran, intent, user_id
