-- What can be told from this log, and why not more?
select subject, verdict, array_to_string(because, '; ') as because
from trust
where night = (select max(night) from trust)
order by list_position(['pairs', 'failures', 'labels', 'rewrites'], subject)
