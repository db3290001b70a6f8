-- The silence that ends a session, by locale (of k users or more on some day) and channel, and what half of it and double would change.
-- locale: BCP 47 tag
-- channel: channel; empty where the log has none
-- gap_seconds: silence that ends a session, seconds
-- learned: own (from its own silences), whole (from those of the log), default (too few), or set
-- silences: silences of at most a day that were seen, to a multiple of k; null where fewer than k, as all counts here
-- ended: of them, how many ended a session
-- more_with_half: sessions more, were the gap half as long
-- fewer_with_double: sessions fewer, were it twice as long
select
    locale,
    channel,
    gap_ms / 1000 as gap_seconds,
    cast(learned as varchar) as learned,
    few(silences) as silences,
    few(ended) as ended,
    few(ended_half - ended) as more_with_half,
    few(ended - ended_double) as fewer_with_double
from lake_gaps
where locale in (select locale from data.days)
