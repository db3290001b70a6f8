-- Which intent eats which? What was meant, and what the assistant heard instead.
select locale, meant, coalesce(heard, '(nothing)') as heard, turns, users
from confusions
where wrong
order by turns desc, locale, meant, heard
limit 20
