-- How long people were silent between two turns: a histogram of each day, locale and channel in
-- quarter octaves of milliseconds. Half a millisecond is added so that no silence falls on an edge.
-- Silences over a day are left out, so that a day and the one before it tell all.
-- reads admitted: what was let in or set aside
-- reads known: turns of the lake around the days
-- reads rewritten: the days to write
with stepped as (
    select
        locale,
        coalesce(channel, '') as channel,
        cast(cast(timestamp as date) as string) as day,
        at_ms - lag(at_ms) over (partition by user_id order by at_ms, turn_id) as silence_ms
    from (
        select turn_id, user_id, timestamp, at_ms, locale, channel from known
        union all
        select turn_id, user_id, timestamp, at_ms, locale, channel from admitted
        where reason is null
    ) as arrived
)
select
    day,
    locale,
    channel,
    cast(floor(log2(cast(silence_ms as double) + cast(0.5 as double)) * 4) as bigint) as octave,
    cast(count(*) as bigint) as silences
from stepped
where silence_ms > 0 and silence_ms <= 86400000 and day in (select day from rewritten)
group by
    day,
    locale,
    channel,
    cast(floor(log2(cast(silence_ms as double) + cast(0.5 as double)) * 4) as bigint)
