-- Models, one row each.
-- version: version; versions sort by time
-- training_set: training set that it learned from beside seed data; null where there was none
-- champion: the model that serves
-- intents: intents that it knows
-- examples: rows that it learned from
select version, training_set, champion, intents, examples
from all_models
order by version
