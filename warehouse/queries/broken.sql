-- Which wordings did the last model break?
select challenger, locale, utterance, intent
from flips
where string_split(challenger, '-')[4] = (select max(string_split(challenger, '-')[4]) from evaluations)
order by locale, utterance
limit 40
