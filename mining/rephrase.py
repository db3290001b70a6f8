"""Which later turn says an earlier one again: a calibrated probability for each candidate pair."""

import numpy as np
import polars as pl

from mining.mixture import Bins, Floats, fit

# Bin edges: shares of text that is alike, and seconds between the turns.
ALIKE = [0.3, 0.45, 0.6, 0.75, 0.9, 0.9999]
SECONDS = [4.0, 8.0, 12.0, 18.0, 25.0, 35.0, 50.0, 80.0, 150.0]
OUTCOMES = {"failure": 0, "success": 1}
SIZES = [len(ALIKE) + 1, len(ALIKE) + 1, len(SECONDS) + 1, 3, 3, 4]
START = {"alike": 0.55, "yes": 0.8, "no": 0.1}


def score(pairs: pl.DataFrame) -> pl.DataFrame:
    """Rows of `pairs`, with `p_rephrase`, `p_success` and `kind`.

    A pair further apart counts only as far as no nearer turn is said again by the same target.
    """
    ordered = pairs.sort("target_turn_id", "apart", "source_turn_id")
    if ordered.is_empty():
        p = np.zeros(0)
    else:
        bins = features(ordered)
        alike = ordered.select(pl.max_horizontal("similarity", "overlap")).to_series().to_numpy()
        start = np.where(alike >= START["alike"], START["yes"], START["no"])
        p = fit(bins, SIZES, start).probability(bins)
    same = pl.col("source").str.to_lowercase() == pl.col("target").str.to_lowercase()
    kind = pl.when(same).then(pl.lit("retry")).otherwise(pl.lit("rephrase"))
    scored = ordered.with_columns(
        p_rephrase=pl.Series(np.round(_nearest_first(ordered, p), 6), dtype=pl.Float64), kind=kind
    )
    return scored.join(_stayed(scored), on="target_turn_id", how="left").with_columns(
        p_success=pl.when(pl.col("target_outcome") == "failure")
        .then(0.0)
        .otherwise(pl.col("p_stayed").fill_null(1.0))
    )


def features(pairs: pl.DataFrame) -> Bins:
    """Rows x features of bin numbers, in the order of SIZES."""
    source, target = pairs["source_intent"], pairs["target_intent"]
    hypothesis = np.select(
        [
            (source == target).fill_null(False).to_numpy(),
            (source != target).fill_null(False).to_numpy(),
        ],
        [0, 1],
        2,
    )
    return np.column_stack(
        [
            np.digitize(pairs["similarity"].to_numpy(), ALIKE),
            np.digitize(pairs["overlap"].to_numpy(), ALIKE),
            np.digitize(pairs["seconds"].to_numpy(), SECONDS),
            pairs["source_outcome"]
            .replace_strict(OUTCOMES, default=2, return_dtype=pl.Int64)
            .to_numpy(),
            hypothesis,
            np.clip(pairs["apart"].to_numpy(), 1, 3),
        ]
    ).astype(np.int64)


def _nearest_first(ordered: pl.DataFrame, p: Floats) -> Floats:
    """p times the probability that no nearer source of the same target is the one."""
    free = pl.DataFrame({"t": ordered["target_turn_id"], "q": 1 - p}).select(
        pl.col("q").cum_prod().shift(1, fill_value=1.0).over("t")
    )
    return np.asarray(p * free.to_series().to_numpy())


def _stayed(scored: pl.DataFrame) -> pl.DataFrame:
    """Of each turn that might be said again, the probability that it was not."""
    return scored.group_by(target_turn_id="source_turn_id").agg(
        p_stayed=1 - pl.col("p_rephrase").max()
    )
