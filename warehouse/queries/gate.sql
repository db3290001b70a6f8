-- What did the last model change, locale by locale?
select challenger, locale, cases, champion_accuracy, challenger_accuracy, negative_flips, flips_at_most, promoted
from evaluations
where intent = 'all' and string_split(challenger, '-')[4] = (select max(string_split(challenger, '-')[4]) from evaluations)
order by locale = 'all' desc, locale
