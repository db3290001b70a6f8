-- What each locale of k users or more borrows from others, as the newest night learned it: a new one begins with how people and
-- assistants are elsewhere, and its words are read with the help of all.
-- locale: BCP 47 tag
-- lenders: other locales with users enough to lend
-- own: trust in the locale's own words, a factor on their scores, to two digits
-- elsewhere: trust in what all locales know of the words, alike; 0 where nothing is borrowed
select b.locale, b.lenders, rough(b.own) as own, rough(b.elsewhere) as elsewhere
from lake_locale_priors as b
where b.locale in (select locale from lake_daily_intents where day = 'all' and intent = '*' and users >= $k)
