-- Comparisons of a challenger with the champion, a row a locale and one for all.
-- challenger: model that wants to serve
-- champion: model that served then; null where there was none
-- locale: BCP 47 tag, or all
-- cases: cases of seed data kept aside
-- champion_accuracy: share of cases right, 0 to 1
-- challenger_accuracy: share of cases right, 0 to 1
-- negative_flips: share of cases that were right and went wrong, 0 to 1
-- promoted: whether the gate let it pass
-- because: the reasons
select challenger, champion, locale, cases, champion_accuracy, challenger_accuracy, negative_flips, promoted, because
from all_evaluations
order by challenger, locale
