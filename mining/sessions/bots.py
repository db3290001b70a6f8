"""What no person says is set aside, and the candidate pairs of what remains are found."""

from datetime import date, timedelta

import polars as pl

from mining.engines.engine import Engine, Inputs
from mining.sessions.inactivity import DEFAULT_SECONDS
from warehouse.lake import Lake

REACH = 3  # turns; a "no" and a failed retry may lie between
ROBOTS = {
    "most_turns": 500,  # of a user and day; so REACH times as many pairs at most
    "burst_lag": 19,
    "burst_ms": 60_000,
    "most_same": 10,  # times a person says one thing in a day
    "fewest_spacings": 5,
}


def mine(engine: Engine, lake: Lake, days: list[str]) -> None:
    """Find the robots of these days, and the pairs whose target lies on them; into the lake."""
    before = {(date.fromisoformat(d) - timedelta(days=1)).isoformat() for d in days}
    turns = lake.files("turns", {*days, *before})
    rewritten = pl.DataFrame({"day": days}, schema={"day": pl.String()})
    staged = lake.staging("robots")
    engine.write("robots", {"turns": turns, "rewritten": rewritten}, ROBOTS, staged)
    lake.replace_days("robots", days, staged)
    inputs: Inputs = {
        "turns": turns,
        "robots": robots(lake, {*days, *before}),
        "gaps": lake.newest("gaps"),
        "rewritten": rewritten,
    }
    params = {"reach": REACH, "gap_ms": DEFAULT_SECONDS * 1000}
    staged = lake.staging("pairs")
    engine.write("pairs", inputs, params, staged)
    lake.replace_days("pairs", days, staged)


def robots(lake: Lake, days: set[str] | list[str]) -> pl.DataFrame:
    """What is set aside on these days, with the `day`."""
    parts = [lake.read("robots", [d]).with_columns(day=pl.lit(d)) for d in sorted(days)]
    return pl.concat(parts)
