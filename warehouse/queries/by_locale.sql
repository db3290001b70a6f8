-- Which locale fails its users most?
select
    locale, turns, users,
    round(said_again / turns, 3) as said_again,
    round(defects / turns, 3) as failed,
    defects_at_least as failed_at_least,
    defects_at_most as failed_at_most
from locale_totals
order by failed desc nulls last, locale
