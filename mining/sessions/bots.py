"""Bots: what no person says is set aside, and teaches nothing.

Notation and constants: docs/method.md, 1.
"""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from mining.engines.engine import Engine, Inputs
from warehouse.lake import Lake
from warehouse.tables import Bots, Turns, name_of

# The bounds were set by hand: decision 7 says what they set aside, and what not.
BOUNDS = {
    "most_turns": 500,  # of a user and day
    "burst_lag": 19,
    "burst_ms": 60_000,
    "most_same": 10,  # times a person says one thing in a day
    "fewest_spacings": 5,
}


def find(engine: Engine, lake: Lake, days: list[str]) -> None:
    """Find the bots of these days; into the lake."""
    rewritten = pl.DataFrame({"day": days}, schema={"day": pl.String()})
    inputs: Inputs = {"turns": lake.files(name_of(Turns), days), "rewritten": rewritten}
    staged = lake.staging("bots")
    engine.write("bots", inputs, BOUNDS, staged)
    lake.replace_days(name_of(Bots), days, staged)


def people(lake: Lake, days: Iterable[str]) -> dict[str, pl.DataFrame | list[Path]]:
    """What a query about people takes: the turns of these days, and the bots among them, each with its day."""
    asked = sorted(set(days))
    return {"turns": lake.files(name_of(Turns), asked), "bots": lake.by_day(name_of(Bots), asked)}
