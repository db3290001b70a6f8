-- How much of what was said was said again, day by day and locale by locale?
select day, locale, turns, users, round(said_again / turns, 3) as share_said_again
from days
order by day, locale
