-- Comparisons of a challenger with the champion: a row for all, one a locale, and one an intent, of k cases or more, where
-- k users or more speak the locale or have the intent. Locales of too few cases for a verdict are one row together; a locale
-- that was taught and could not be judged has no cases.
-- challenger: model that wants to serve
-- champion: model that served then; null where there was none
-- locale: BCP 47 tag, small locales (how many) together, or all
-- intent: intent, or all
-- cases: cases that neither model saw: seed data, and what users set apart said, as far as believed; to a multiple of k, null where none
-- champion_accuracy: share of cases right, 0 to 1; null where there was no champion
-- challenger_accuracy: share of cases right, 0 to 1; null where there was no case
-- negative_flips: share of cases that were right and went wrong, 0 to 1; null where there was no champion
-- flips_at_least: what that share exceeds in nine cases of ten; of a locale or intent pooled with all
-- flips_at_most: what it does not exceed in nine cases of ten
-- exact_cases: cases whose slots are known, too; to a multiple of k, null where none
-- champion_exact: share of those with intent and all slots right (exact match), 0 to 1; null where there was no champion
-- challenger_exact: share of those with intent and all slots right, 0 to 1
-- negative_exact_flips: share of those where both were right and one went wrong, 0 to 1; null where there was no champion
-- promoted: whether the gate let it pass
-- because: the reasons
select
    challenger,
    champion,
    locale,
    intent,
    few(cases) as cases,
    share(champion_accuracy) as champion_accuracy,
    share(challenger_accuracy) as challenger_accuracy,
    round(negative_flips, 3) as negative_flips,
    round(flips_at_least, 3) as flips_at_least,
    round(flips_at_most, 3) as flips_at_most,
    few(exact_cases) as exact_cases,
    case when exact_cases >= $k then share(champion_exact) end as champion_exact,
    case when exact_cases >= $k then share(challenger_exact) end as challenger_exact,
    case when exact_cases >= $k then round(negative_exact_flips, 3) end as negative_exact_flips,
    promoted,
    because
from all_evaluations
where (cases >= $k or cases = 0)
    and (locale = 'all' or locale like 'small locales (%)' or locale in (select locale from data.locale_totals))
    and (
        intent = 'all'
        or intent in (select intent from data.intent_totals)
        or intent in (select meant from data.confusions)
    )
