"""Figures of locales together: of all, and of those that are too small for a rate of their own, which are
neither dropped nor shown as noise."""

from typing import Any

import polars as pl

from mining.engines.engine import Engine

EVERY = "*"  # what `daily_intents` calls all locales
NEEDED = ["turn_id", "user_id", "timestamp", "locale", "utterance", "executed_utterance"]
NEEDED += ["best_intent", "outcome"]


def intents(engine: Engine, people: dict[str, Any], counted: pl.DataFrame, k: int) -> pl.DataFrame:
    """What `daily_intents` counted of all locales, and what it counts of those of fewer than `k` users, or
    of fewer whose turns failed, as if they were one locale, where there are two. Users count once."""
    whole = counted.filter(pl.col("locale") == EVERY).with_columns(locale=pl.lit("all"))
    own = counted.filter(pl.col("locale") != EVERY, day="all", intent="*")
    small = own.filter((pl.col("users") < k) | (pl.col("users_failed") < k))["locale"].sort()
    if len(small) < 2:
        return whole
    name, ours = f"small locales ({len(small)})", pl.col("locale").is_in(small.implode())
    turns = pl.scan_parquet(people["turns"], hive_partitioning=False).filter(ours).select(NEEDED)
    bots = people["bots"].filter(ours).with_columns(locale=pl.lit(name))
    alike = turns.with_columns(locale=pl.lit(name)).collect()
    found = engine.query("daily_intents", people | {"turns": alike, "bots": bots})
    return pl.concat([whole, found.filter(locale=name).cast(whole.schema)])
