-- What was decided, and why?
select d.night, d.retrain, list_aggregate(d.because, 'string_agg', '; ') as because, m.version as model, m.champion
from decisions as d
left join models as m on m.training_set = d.version
order by d.night desc
