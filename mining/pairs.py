"""Candidate pairs of turns: SQL finds them, text similarity is added from batch to batch."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process

from mining.engine import Engine, Inputs, Widen
from warehouse.lake import Lake
from warehouse.tables import Pairs

REACH = 3  # turns; a "no" and a failed retry may lie between
MOST_A_DAY = 1_000  # pairs of one user and day
MOST_SAME = 10  # times a person says one thing in a day; more is a robot


def with_similarity(pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds `similarity` (characters, order counts) and `overlap` (words, in any order), 0..1."""
    sources = pairs["source"].str.to_lowercase().to_list()
    targets = pairs["target"].str.to_lowercase().to_list()

    def scored(scorer: Any) -> pl.Series:
        scores = process.cpdist(sources, targets, scorer=scorer, dtype=np.float64)
        return pl.Series(scores / 100, dtype=pl.Float64)

    return pairs.with_columns(similarity=scored(fuzz.ratio), overlap=scored(fuzz.token_set_ratio))


def mine(engine: Engine, lake: Lake, days: list[str], gap_seconds: int) -> None:
    """Find the pairs whose target lies on one of these days; put them into the lake."""
    before = {(date.fromisoformat(d) - timedelta(days=1)).isoformat() for d in days}
    inputs: Inputs = {
        "turns": lake.files("turns", {*days, *before}),
        "rewritten": pl.DataFrame({"day": days}, schema={"day": pl.String()}),
    }
    params = {
        "reach": REACH,
        "within_ms": gap_seconds * 1000,
        "most_a_day": MOST_A_DAY,
        "most_same": MOST_SAME,
    }
    widen = Widen(with_similarity, {"similarity": pl.Float64(), "overlap": pl.Float64()})
    staged = lake.staging("pairs")
    engine.write("pairs", inputs, params, staged, widen)
    for day in days:
        folder = staged / f"day={day}"
        if folder.exists():
            lake.replace("pairs", day, folder)
        else:
            lake.put("pairs", day, Pairs.create_empty())
