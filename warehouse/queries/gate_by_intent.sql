-- Which intents did the last model lose or win?
select intent, cases, champion_accuracy, challenger_accuracy, round(challenger_accuracy - champion_accuracy, 3) as won
from evaluations
where locale = 'all' and intent <> 'all'
    and string_split(challenger, '-')[4] = (select max(string_split(challenger, '-')[4]) from evaluations)
order by abs(challenger_accuracy - champion_accuracy) * cases desc nulls last, intent
limit 30
