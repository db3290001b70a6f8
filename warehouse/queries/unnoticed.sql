-- How many failures does the assistant not notice? What users show beside what it believes itself.
select
    locale,
    sum(turns)::bigint as turns,
    round(sum(defects) / sum(turns), 3) as failed,
    round(sum(failures) / sum(turns), 3) as noticed,
    round(1 - sum(failures) / sum(defects), 3) as unnoticed
from days
where defects is not null and failures is not null
group by locale
order by unnoticed desc, locale
