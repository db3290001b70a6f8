-- Which slots fail most, and which do users correct?
select locale, intent, slot, heard, users, corrected, failed
from slots
order by failed * heard desc nulls last, locale, intent, slot
limit 20
