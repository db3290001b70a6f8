"""Wordings that users give up for another, and how sure we are that the other works better."""

import numpy as np
import polars as pl
from scipy.stats import norm


def rewrites(moves: pl.DataFrame, utterances: pl.DataFrame) -> pl.DataFrame:
    """For each wording its best target: `locale, source, target, p_better, users, occurrences`.

    Each wording succeeds as often as it was executed and its users stayed: a beta posterior, whose
    two means are compared as normals.
    """
    works = utterances.group_by("locale", "utterance").agg(
        good=(pl.col("executed_users") - pl.col("fled")).sum(), users=pl.col("users").sum()
    )
    rates = works.select(
        "locale",
        "utterance",
        mean=(pl.col("good") + 1) / (pl.col("users") + 2),
        spread=_spread(pl.col("good") + 1, pl.col("users") - pl.col("good") + 1),
    )
    both = moves.join(rates.rename({"utterance": "source"}), on=["locale", "source"]).join(
        rates.rename({"utterance": "target"}), on=["locale", "target"], suffix="_target"
    )
    gain = (both["mean_target"] - both["mean"]).to_numpy()
    width = np.sqrt((both["spread"] + both["spread_target"]).to_numpy())
    p_better = both["p_same"].to_numpy() * norm.cdf(gain / width)
    return (
        both.with_columns(p_better=pl.Series(np.round(p_better, 6), dtype=pl.Float64))
        .sort(
            ["locale", "source", "p_better", "users", "target"],
            descending=[False, False, True, True, False],
        )
        .unique(["locale", "source"], keep="first", maintain_order=True)
        .select("locale", "source", "target", "p_better", "users", "occurrences")
    )


def _spread(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Variance of a beta distribution."""
    return a * b / ((a + b) ** 2 * (a + b + 1))
