"""Which later turn says an earlier one again: a calibrated probability for each candidate pair.

The comparison features are told relative to the log (`features`); what they mean was learned on simulated worlds of
many shapes (`mining.priors`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.priors import prior
from mining.rephrases.features import Features, compare
from mining.rephrases.log import LogArrays
from warehouse.tables import MixtureFits, RephraseEvents

Floats = npt.NDArray[np.float64]

# What a log can tell, and a feature that it then has.
TOLD = {
    "words": "alike",
    "seconds": "seconds",
    "confidence": "confidence",
    "hypotheses": "intents",
    "values": "slots",
    "answers": "same answer",
    "outcome": "outcome",
    "interrupted": "interrupted",
    "feedback": "feedback",
}


@dataclass(frozen=True)
class Scored:
    """`events`: the pairs with `p_rephrase`, `p_success` and `kind`; `fits`: what each locale told."""

    events: pl.DataFrame
    fits: pl.DataFrame


def score(pairs: pl.DataFrame, log: LogArrays) -> Scored:
    """The rows of `pairs` (with their `day`), judged; `log` of the window."""
    if pairs.is_empty():
        return Scored(
            RephraseEvents.create_empty().with_columns(day=pl.lit("")), MixtureFits.create_empty()
        )
    ordered = in_order(pairs)
    features = compare(ordered, log)
    p = at_most_one(ordered["target_turn_id"], prior("pairs").probability(features))
    same = (
        log.wording[log.at(ordered["source_turn_id"])]
        == log.wording[log.at(ordered["target_turn_id"])]
    )
    scored = ordered.with_columns(
        p_rephrase=pl.Series(np.round(p, 6), dtype=pl.Float64),
        kind=pl.when(pl.Series(same)).then(pl.lit("retry")).otherwise(pl.lit("rephrase")),
    )
    events = scored.join(_stayed(scored), on="target_turn_id", how="left").with_columns(
        p_success=pl.when(pl.col("target_outcome") == "failure")
        .then(0.0)
        .otherwise(pl.col("p_stayed").fill_null(1.0))
    )
    return Scored(events, _fits(scored, told(features)))


def in_order(pairs: pl.DataFrame) -> pl.DataFrame:
    """The candidates of each target, the nearest source first."""
    return pairs.sort("target_turn_id", "apart", "source_turn_id")


def at_most_one(targets: pl.Series, p: Floats) -> Floats:
    """A turn says at most one earlier turn again: the probabilities of its sources sum to 1 at most."""
    whole = pl.DataFrame({"t": targets, "p": p}).select(pl.col("p").sum().over("t"))
    return np.asarray(p / np.maximum(whole.to_series().to_numpy(), 1.0))


def told(features: Features) -> list[str]:
    """What this log tells: more than one value was seen."""
    seen = {n: features.values[:, place] for place, n in enumerate(features.names)}
    return [name for name, feature in TOLD.items() if len(np.unique(seen[feature])) > 1]


def _fits(scored: pl.DataFrame, evidence: list[str]) -> pl.DataFrame:
    """A row a locale, and one of the whole."""
    rows = scored.select("locale", "p_rephrase")
    every = pl.concat([rows, rows.with_columns(locale=pl.lit("all"))])
    return (
        every.group_by("locale")
        .agg(pairs=pl.len(), said_again=pl.col("p_rephrase").sum().round(3))
        .with_columns(evidence=pl.lit(evidence, dtype=pl.List(pl.String)))
        .sort("locale")
    )


def _stayed(scored: pl.DataFrame) -> pl.DataFrame:
    """Of each turn that might be said again, the probability that it was not."""
    return scored.group_by(target_turn_id="source_turn_id").agg(
        p_stayed=1 - pl.col("p_rephrase").max()
    )
