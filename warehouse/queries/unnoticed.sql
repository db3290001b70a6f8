-- How many failures does the assistant not notice? What users show beside what it believes itself.
select
    locale, turns,
    round(defects / turns, 3) as failed,
    round(failures / turns, 3) as noticed,
    round(greatest(0, 1 - failures / defects), 3) as unnoticed
from locale_totals
where defects is not null
order by unnoticed desc nulls last, locale
