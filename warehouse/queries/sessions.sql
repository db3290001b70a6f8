-- When does a session end, and would another silence change much?
select locale, nullif(channel, '') as channel, gap_seconds, learned, silences, ended, more_with_half, fewer_with_double
from sessions
order by silences desc nulls last, locale, channel
