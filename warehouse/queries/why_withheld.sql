-- What was withheld last night, and why?
select stage, reason, rows
from withheld
where night = (select max(night) from withheld)
order by rows desc nulls last, stage, reason
