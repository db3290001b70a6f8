-- Models, one row each.
-- version: version; versions sort by time
-- training_set: training set that it learned from beside seed data; null where there was none
-- champion: the model that serves
-- rejected: a person rejected it, or its training set
-- intents: intents that it knows
-- examples: wordings that it learned from, to a multiple of k; null below k
select version, training_set, champion, rejected, intents, few(examples) as examples
from all_models
