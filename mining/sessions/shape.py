"""What kind of log it is: how long sessions are, how often people go on, how long they wait, what the log names.

Notation and constants: docs/method.md, 1.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np
import polars as pl

FEWEST = 200  # turns from which a part of a log shows its shape
SHARES = 0.25  # by which a share differs that was another
TIMES = 2.0  # by which a length or a time differs that was another


@dataclass(frozen=True)
class LogShape:
    """Figures of a log: `turns_a_session` and `seconds_between` turns are medians, the others shares of turns: those that
    another follows, those that say an earlier one again, and those with hypothesis, answer and outcome."""

    turns_a_session: float
    seconds_between: float
    followed: float
    said_again: float
    hypotheses: float
    answers: float
    outcomes: float


def shape(turns: pl.DataFrame, events: pl.DataFrame) -> LogShape | None:
    """Of `turns` as the SQL file `context` has them and of the pairs among them; None of too few."""
    if turns.height < FEWEST:
        return None
    sessions = turns.group_by("opening").len()["len"]
    waits = turns["next_ms"].drop_nulls().to_numpy() / 1000
    mine = events.join(turns.select(target_turn_id="turn_id"), on="target_turn_id", how="semi")
    return LogShape(
        turns_a_session=float(sessions.median() or 0),  # type: ignore[arg-type]
        seconds_between=float(np.median(waits)) if len(waits) else 0.0,
        followed=len(waits) / turns.height,
        said_again=float(mine["p_rephrase"].sum()) / turns.height,
        hypotheses=1 - turns["best_intent"].null_count() / turns.height,
        answers=1 - turns["response"].null_count() / turns.height,
        outcomes=1 - turns["outcome"].null_count() / turns.height,
    )


def changed(turns: pl.DataFrame, events: pl.DataFrame) -> list[str]:
    """What of the newest day's shape is another than before; nothing where either has too few turns."""
    last = str(turns["day"].max())
    newest = pl.col("day") == last
    now, before = shape(turns.filter(newest), events), shape(turns.filter(~newest), events)
    if now is None or before is None:
        return []
    return [
        f"{f.name.replace('_', ' ')} {_told(f.name, was)} before, {_told(f.name, is_)} on {last}"
        for f in fields(LogShape)
        if _differs(f.name, was := asdict(before)[f.name], is_ := asdict(now)[f.name])
    ]


def _differs(name: str, one: float, other: float) -> bool:
    if name in ("turns_a_session", "seconds_between"):
        low, high = sorted((one, other))
        return high > TIMES * max(low, 1.0)
    return abs(one - other) > SHARES


def _told(name: str, value: float) -> str:
    return f"{value:.0f}" if name in ("turns_a_session", "seconds_between") else f"{value:.0%}"
