"""From log files to the days of turns that they touch."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from mining.engines.engine import Engine
from mining.ingest.validation import DOOR_SCHEMA, UNBROKEN, DoorConfig, admit_file
from mining.sessions.inactivity import DEFAULT_SECONDS, learn
from warehouse.errors import BadInput
from warehouse.lake import Lake, shifted, window_start
from warehouse.tables import Rejects, Turns


@dataclass(frozen=True)
class Admitted:
    """What came through the door: the files of its batches, and the account of it."""

    files: list[Path]
    days: list[str]
    read: int
    kept: int
    duplicates: int
    dropped: dict[str, int]  # rows by optional field that could not be read
    rejects: pl.DataFrame


def admit(engine: Engine, logs: list[Path], config: DoorConfig, out: Path) -> None:
    """Read the logs through the door into Parquet files in `out`."""
    engine.read(logs, partial(admit_file, config=config), DOOR_SCHEMA, out)


def account(out: Path, max_broken_share: float) -> Admitted:
    """Count what the door let in. Raises BadInput where a file is broken in more than `max_broken_share`."""
    files = sorted(out.glob("*.parquet"))
    rows = pl.scan_parquet(files, hive_partitioning=False)
    aside = pl.col("reason").is_not_null()
    rejects = rows.filter(aside).select(Rejects.column_names()).sort("file", "line").collect()
    ours = ~pl.col("reason").is_in(UNBROKEN).fill_null(False)
    counted = rows.filter(ours).group_by(file="source")
    per_file = counted.agg(rows=pl.len(), broken=aside.sum()).sort("file")
    for file, count, broken in per_file.collect().iter_rows():
        if broken > max_broken_share * count:
            first = rejects.filter(ours, file=file).row(0, named=True)
            raise BadInput(
                f"{file}, row {first['line']}, field {first['field']}: {first['reason']}"
                f" ({broken} of {count} rows are broken, more than {max_broken_share:.0%};"
                " mend them, or raise log.max_broken_share)"
            )
    count = int(rows.select(pl.len()).collect().item())
    files_read = ", ".join(
        rows.select(pl.col("source").unique().sort()).collect()["source"].head(3)
    )
    kept = rows.filter(~aside)
    ids = kept.group_by("turn_id").agg(rows=pl.len(), users=pl.col("user_id").n_unique())
    clashing = ids.filter(pl.col("users") > 1).select(pl.col("rows").sum()).collect().item() or 0
    if clashing > max_broken_share * count:
        raise BadInput(
            f"{files_read}, field turn_id: {clashing} rows of different users share an id;"
            " make turn_id unique over the log, or leave it out"
        )
    distinct = kept.unique("turn_id").select("user_id", "at_ms", "utterance").unique()
    days = kept.select(pl.col("timestamp").dt.strftime("%Y-%m-%d").unique()).collect().to_series()
    unread = rows.select(field="dropped").explode("field").drop_nulls()
    dropped = unread.group_by("field").len().sort("field").collect().rows()
    accepted = count - rejects.height
    return Admitted(
        files,
        sorted(days),
        count,
        accepted,
        accepted - distinct.select(pl.len()).collect().item(),
        dict(dropped),
        rejects,
    )


def merge(
    engine: Engine, lake: Lake, admitted: Admitted, window_days: int, setting: int | None
) -> list[str]:
    """Put the admitted turns into the lake; the days written: those touched and the next ones.

    The day after a touched one is written again, since a session may reach over midnight. Where the
    silences of the window now tell another gap than before, the window's sessions are filled anew.
    """
    known = set(lake.days("turns"))
    days = sorted(set(admitted.days) | {d for d in _next(admitted.days) if d in known})
    newest = max(known | set(days))
    _count_silences(engine, lake, admitted.files, days)
    first = window_start(newest, window_days)
    window = [d for d in sorted(known | set(days)) if first <= d]
    before = lake.newest("session_timeouts")
    gaps = learn(lake.read("inactivity", window), setting)
    if _changed(before, gaps):
        days = sorted(set(days) | set(window))
    inputs = {
        "admitted": admitted.files,
        "known": _around(lake, days),
        "rewritten": _rows_of(days),
        "session_timeouts": gaps,
    }
    staged = lake.staging("turns")
    engine.write("turns", inputs, {"gap_ms": DEFAULT_SECONDS * 1000}, staged)
    lake.replace_days("turns", days, staged)
    lake.put(
        "session_timeouts", newest, gaps
    )  # the last: a killed night sees again that they changed
    return days


def recount(engine: Engine, lake: Lake, days: list[str]) -> None:
    """Count the silences of these days and of the next ones anew: turns of them were erased."""
    known = {*days, *_next(days)} & set(lake.days("turns"))
    _count_silences(engine, lake, pl.DataFrame(schema=DOOR_SCHEMA), sorted(known))


def _count_silences(
    engine: Engine, lake: Lake, admitted: list[Path] | pl.DataFrame, days: list[str]
) -> None:
    inputs = {
        "admitted": admitted,
        "known": _around(lake, days),
        "rewritten": _rows_of(days),
    }
    found = engine.query("inactivity", inputs).sort("day", "locale", "channel", "octave")
    for day in days:
        lake.put("inactivity", day, found.filter(pl.col("day") == day))


def _changed(before: pl.DataFrame, gaps: pl.DataFrame) -> bool:
    """Whether a gap that was in use is another now."""
    both = before.join(gaps, on=["locale", "channel"], suffix="_now")
    return bool((both["gap_ms"] != both["gap_ms_now"]).any())


def _around(lake: Lake, days: list[str]) -> list[Path] | pl.DataFrame:
    """The lake's turns of these days and of the days beside them."""
    files = lake.files("turns", {*days, *_shifted(days, -1), *_next(days)})
    return files or Turns.create_empty()


def _rows_of(days: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"day": days}, schema={"day": pl.String()})


def _next(days: Iterable[str]) -> set[str]:
    return _shifted(days, 1)


def _shifted(days: Iterable[str], by: int) -> set[str]:
    return {shifted(d, by) for d in days}
