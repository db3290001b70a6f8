-- How did the nights go? What was read, believed and published, night by night.
select
    r.night, r.status, r.read, r.turns, r.seconds,
    max(f.count) filter (f.step = 'believed') as believed,
    max(f.count) filter (f.step = 'published') as published,
    r.message
from runs as r
left join funnel as f on r.night = f.night
group by all
order by r.night desc
