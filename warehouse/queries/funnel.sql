-- How much of a night's log becomes labels, and how much of them may be seen?
select night, step, unit, count, round(count / first_value(count) over (partition by night, unit order by place), 3) as share
from funnel
where night = (select max(night) from funnel)
order by place
