"""Locales that are too small for a rate of their own, together as one: neither dropped nor shown as noise."""

from typing import Any

import polars as pl

from mining.engine import Engine
from warehouse.tables import DailyIntents

NEEDED = ["turn_id", "user_id", "timestamp", "locale", "utterance", "executed_utterance"]
NEEDED += ["best_intent", "outcome"]


def intents(engine: Engine, people: dict[str, Any], counted: pl.DataFrame, k: int) -> pl.DataFrame:
    """What `daily_intents` counted, of the locales of fewer than `k` users, or of fewer whose turns
    failed, as if they were one locale; users are counted once. Nothing where there are not two of them."""
    whole = counted.filter(day="all", intent="*")
    small = whole.filter((pl.col("users") < k) | (pl.col("users_failed") < k))["locale"].sort()
    if len(small) < 2:
        return DailyIntents.create_empty()
    name, ours = f"small locales ({len(small)})", pl.col("locale").is_in(small.implode())
    turns = pl.scan_parquet(people["turns"], hive_partitioning=False).filter(ours).select(NEEDED)
    robots = people["robots"].filter(ours).with_columns(locale=pl.lit(name))
    alike = turns.with_columns(locale=pl.lit(name)).collect()
    return engine.query("daily_intents", people | {"turns": alike, "robots": robots})
