"""An invented log of any size, as the door leaves it: people with sessions, retries and robots, in
day order. Only its shape is like a real log; the words mean nothing.

usage: large_log.py TURNS FOLDER
"""

import sys
from pathlib import Path

import duckdb

from mining.ingest.validation import DOOR_SCHEMA

DAYS = 30
A_SESSION = 4  # turns
A_USER = 40
PER_FILE = 1_000_000

QUERY = """
copy (
    with numbered as (
        select
            i,
            i // {a_session} as visit,
            (hash(i // {a_session}) // 2)::bigint as h,
            (hash(i) // 2)::bigint as r
        from range({first}, {last}) t(i)
    ),
    timed as (
        select
            *,
            h % {users} as u,
            1767225600000
                + case when h % {users} % 997 = 0 then (h >> 16) % 86400 else (h >> 16) % ({days} * 86400) end
                * 1000
                + (i % {a_session}) * (4000 + ((h >> 40) % 20000)) + r % 900 as at_ms
        from numbered
    ),
    worded as (
        select
            *,
            case
                when u % 997 = 0 then u
                when r % 5 = 0 then h >> 20
                else (h >> 20) + i % {a_session}
            end as said
        from timed
    )
    select
        lower(hex(r)) || lower(hex(i)) as turn_id,
        lower(hex(hash(u + 7))) || '00000000' as user_id,
        make_timestamp((at_ms * 1000)::bigint)::timestamptz as timestamp,
        at_ms::bigint as at_ms,
        null::varchar as session_id,
        false as session_given,
        ['en-US', 'de-DE', 'ja-JP', 'ar-SA'][(1 + u % 4)::int] as locale,
        'word' || (said % 97)::varchar || ' thing' || (said % 1009)::varchar
            || ' place' || (said % 31)::varchar || ' now please' as utterance,
        case when r % 3 > 0 then 'intent' || (said % 60)::varchar end as intent,
        (r % 1000) / 1000.0::double as confidence,
        'intent' || (said % 60)::varchar as best_intent,
        (r % 1000) / 1000.0::double as best_confidence,
        [{{'intent': 'intent' || (said % 60)::varchar, 'confidence': (r % 1000) / 1000.0::double}},
         {{'intent': 'intent' || (r % 60)::varchar, 'confidence': 0.1::double}}] as n_best,
        null::struct("name" varchar, "value" varchar)[] as slots,
        null::varchar as interpretation,
        case when r % 3 > 0 then 'ok, done' else 'sorry, what was that' end as response,
        case when r % 3 > 0 then 'success' else 'failure' end as outcome,
        null::tinyint as feedback,
        null::varchar as executed_utterance,
        'voice' as channel,
        r % 11 = 0 as interrupted,
        'm1' as model_version,
        null::varchar as arm,
        null::double as propensity,
        null::varchar as prompted_slot,
        null::varchar as file,
        null::bigint as line,
        null::varchar as field,
        null::varchar as reason,
        'large' as source,
        null::varchar[] as dropped
    from worded
) to '{out}' (format parquet)
"""


def write(turns: int, folder: Path) -> list[Path]:
    """Parquet files of so many turns in DOOR_SCHEMA; the same arguments give the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with duckdb.connect(config={"threads": 2}) as con:
        con.execute("set TimeZone = 'UTC'")
        for number, first in enumerate(range(0, turns, PER_FILE)):
            out = folder / f"part-{number:03}.parquet"
            if not out.exists():
                con.execute(
                    QUERY.format(
                        first=first,
                        last=min(turns, first + PER_FILE),
                        users=max(1, turns // A_USER),
                        days=DAYS,
                        a_session=A_SESSION,
                        out=out,
                    )
                )
            files.append(out)
        found = con.sql(f"select * from '{files[0]}' limit 0").columns
    assert found == DOOR_SCHEMA.names(), set(found) ^ set(DOOR_SCHEMA.names())
    return files


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
