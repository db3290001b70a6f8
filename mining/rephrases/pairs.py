"""Candidate pairs: turns of one session of which the later may say the earlier again (blocking, as record linkage calls it).

Notation and constants: docs/method.md, 2.
"""

import polars as pl

from mining.engines.engine import Engine
from mining.sessions import bots
from mining.sessions.inactivity import DEFAULT_SECONDS
from warehouse.lake import Lake, shifted
from warehouse.tables import Pairs, SessionTimeouts, name_of

REACH = 3  # turns; a "no" and a failed retry may lie between


def find(engine: Engine, lake: Lake, days: list[str]) -> None:
    """Find the pairs whose target lies on these days; into the lake."""
    before = {shifted(d, -1) for d in days}
    inputs = {
        **bots.people(lake, {*days, *before}),
        "session_timeouts": lake.newest(name_of(SessionTimeouts)),
        "rewritten": pl.DataFrame({"day": days}, schema={"day": pl.String()}),
    }
    staged = lake.staging("pairs")
    engine.write("pairs", inputs, {"reach": REACH, "gap_ms": DEFAULT_SECONDS * 1000}, staged)
    lake.replace_days(name_of(Pairs), days, staged)
