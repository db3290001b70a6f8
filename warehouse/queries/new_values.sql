-- Which values of slots are new, by the week in which they were heard first?
select first_week, locale, slot, value, heard, users, corrected
from slot_values
where candidate
order by first_week desc, users desc, locale, slot, value
limit 20
