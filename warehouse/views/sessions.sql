-- The silence that ends a session, by locale and channel of k users or more, and what half of it and double would change.
-- locale: BCP 47 tag
-- channel: channel; empty where the log has none
-- gap_seconds: silence that ends a session, seconds
-- learned: own (from its own silences), whole (from those of the log), default (too few), or set
-- silences: silences of at most a day that were seen, to a multiple of k; null where fewer than k, as all counts here
-- ended: of them, how many ended a session
-- more_with_half: sessions more, were the gap half as long
-- fewer_with_double: sessions fewer, were it twice as long
select
    g.locale,
    g.channel,
    g.gap_ms / 1000 as gap_seconds,
    cast(g.learned as varchar) as learned,
    few(g.silences) as silences,
    few(g.ended) as ended,
    few(g.ended_half - g.ended) as more_with_half,
    few(g.ended - g.ended_double) as fewer_with_double
from lake_session_timeouts as g
inner join lake_channels as c on g.locale = c.locale and g.channel = c.channel
where c.users >= $k
