-- What was decided, and why?
select d.night, d.retrain, list_aggregate(d.because, 'string_agg', '; ') as because, coalesce(m.version, 'none') as model, coalesce(m.champion, false) as serves
from decisions as d
left join models as m on m.training_set = d.version
order by d.night desc
