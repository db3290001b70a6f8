"""The rival: what a good engineer writes by hand in DuckDB for sessions, robots and candidate pairs,
with one sort for all of a user's turns. The gap is given, not learned.

usage: duckdb_script.py FOLDER OUT GAP_MS MEMORY
"""

import sys
from pathlib import Path

import duckdb

TURNS = """
create table people as
select * exclude (file, line, field, reason, source, session_id),
    timestamp::date::varchar as day,
    first_value(coalesce(session_id, turn_id)) over (
        partition by user_id, session_number order by at_ms, turn_id
    ) as session_id
from (
    select *, sum(starts) over (
        partition by user_id order by at_ms, turn_id rows unbounded preceding
    ) as session_number
    from (
        select *, case when at_ms - lag(at_ms) over (
            partition by user_id order by at_ms, turn_id
        ) <= $gap then 0 else 1 end as starts
        from (
            select * from read_parquet($files)
            qualify row_number() over (partition by turn_id order by at_ms, user_id, utterance) = 1
        )
    )
)
"""
ROBOTS = """
create table robots as
with said as (
    select user_id, day, locale, utterance,
        (at_ms - lag(at_ms) over (
            partition by user_id, day, locale, utterance order by at_ms, turn_id)) // 1000 as spacing,
        at_ms - lag(at_ms, 19) over (
            partition by user_id, day order by at_ms, turn_id) as burst_ms
    from people
),
by_user as (
    select user_id, day, count(*) as turns, min(burst_ms) as shortest from said group by all
),
by_wording as (
    select user_id, day, locale, utterance, count(*) as turns, count(spacing) as n,
        sum(spacing) as s1, sum(spacing * spacing) as s2
    from said group by all
)
select day, user_id, locale, utterance, w.turns, case
    when u.turns > 500 then 'rate'
    when u.shortest <= 60000 then 'burst'
    when w.turns > 10 then 'repetition'
    when n >= 5 and s1 >= n * 60 and 100 * (n * s2 - s1 * s1) <= s1 * s1 then 'periodicity'
end as reason
from by_wording as w join by_user as u using (user_id, day)
where reason is not null
"""
PAIRS = """
create table pairs as
with placed as (
    select p.*,
        row_number() over session as place,
        sum((best_intent is null)::int) over session as lost,
        case when at_ms - lag(at_ms) over session <= $gap
            then response = lag(response) over session end as repeated_itself
    from people as p
    anti join robots as r using (user_id, day, locale, utterance)
    window session as (partition by user_id, session_id order by at_ms, turn_id)
),
near as (
    select s.turn_id as source_turn_id, t.turn_id as target_turn_id, t.user_id, t.session_id,
        t.locale, t.channel, s.utterance as source, t.utterance as target,
        (t.at_ms - s.at_ms) / 1000.0::double as seconds,
        t.place - s.place as apart,
        (t.lost - s.lost - (t.best_intent is null)::int)::bigint as lost_between,
        s.best_intent as source_intent, t.best_intent as target_intent,
        list_transform(s.slots, lambda v: v.value) as source_values,
        list_transform(t.slots, lambda v: v.value) as target_values,
        list_transform(s.n_best, lambda h: h.intent) as source_known,
        s.intent is not null as source_executed, t.intent is not null as target_executed,
        s.best_confidence as source_confidence, t.best_confidence as target_confidence,
        s.outcome as source_outcome, t.outcome as target_outcome,
        s.response as source_response, s.repeated_itself, s.interrupted, s.feedback, t.day
    from placed as s
    join placed as t
        on s.user_id = t.user_id and s.session_id = t.session_id and s.locale = t.locale
        and t.place > s.place and t.place <= s.place + 3 and t.at_ms <= s.at_ms + $gap
)
select * from near
"""


def main(folder: Path, out: Path, gap_ms: int, memory: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    config = {"memory_limit": memory, "temp_directory": str(out / "spill"), "threads": 2}
    with duckdb.connect(config=config) as con:
        con.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        files = [str(f) for f in sorted(folder.glob("*.parquet"))]
        con.execute(TURNS, {"gap": gap_ms, "files": files})
        con.execute(ROBOTS)
        con.execute(PAIRS, {"gap": gap_ms})
        for table, name in (("people", "turns"), ("robots", "bots"), ("pairs", "pairs")):
            con.execute(
                f"copy {table} to '{out / name}' (format parquet, partition_by (day), overwrite)"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
