-- How do launches go? Locales of the last 90 days: what failed at first and lately, what could be mended by now (an estimate), what waits.
select
    locale, launched, days, seed, turns, users, failed_first, failed_last, recovered_share as recovered,
    recovered_at_least, recovered_at_most, wordings, believed, unlabelled, too_few, unsure, waiting
from launches
where days <= 90
order by launched desc, turns desc nulls last, locale
