-- What was decided, and why?
select
    d.night, d.retrain,
    array_to_string(d.because, '; ') as because,
    coalesce(string_agg(m.version, ', ' order by m.version), 'none') as models,
    coalesce(bool_or(m.champion), false) as serves
from decisions as d
left join models as m on m.training_set = d.version
group by all
order by d.night desc
