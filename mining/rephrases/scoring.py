"""Which later turn says an earlier one again: a calibrated probability for each candidate pair.

The comparison features are told relative to the log (`features`); what they mean was learned on simulated worlds of
many shapes (`mining.priors`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.priors import prior
from mining.rephrases.features import Features, compare
from mining.rephrases.log import LogArrays
from mining.rephrases.slot_answers import answering
from mining.sessions.block_files import BlockFiles
from mining.sessions.shape import changed

Floats = npt.NDArray[np.float64]

NOTHING = pl.DataFrame(
    schema={
        **dict.fromkeys(("source_turn_id", "target_turn_id", "session_id", "locale"), pl.String),
        **dict.fromkeys(("source", "target"), pl.String),
        "seconds": pl.Float64,
        "kind": pl.String,
        "p_rephrase": pl.Float64,
        "target_outcome": pl.String,
        "day": pl.String,
    }
)  # no events

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
    """`events`: the pairs with `p_rephrase` and `kind`; `evidence`: what the log had to tell it."""

    events: pl.DataFrame
    evidence: list[str]


def score(pairs: pl.DataFrame, log: LogArrays, days: Sequence[str]) -> Scored:
    """The rows of `pairs` (with their `day`) whose target was said on these days, judged; told relative to all `pairs` and
    the turns of `log`. Pairs that begin before the log are none."""
    inside = pairs.join(log.turns.select(source_turn_id="turn_id"), on="source_turn_id", how="semi")
    if inside.is_empty():
        return Scored(NOTHING, [])
    ordered = in_order(inside)
    features = compare(ordered, log)
    wanted = ordered["day"].is_in(days)
    asked = Features(features.names, features.values[wanted.to_numpy()])
    mine = ordered.filter(wanted)
    p = at_most_one(mine["target_turn_id"], prior("pairs").probability(asked))
    same = (
        log.wording[log.at(mine["source_turn_id"])] == log.wording[log.at(mine["target_turn_id"])]
    )
    events = mine.with_columns(
        p_rephrase=pl.Series(np.round(p, 6), dtype=pl.Float64),
        kind=pl.when(pl.Series(same)).then(pl.lit("retry")).otherwise(pl.lit("rephrase")),
    )
    return Scored(events.select(NOTHING.columns), told(features))


def score_block(files: BlockFiles) -> None:
    """Score the pairs of a block; leaves its `events` as `score` gives them, `answers` (slot_answers.answering), and `told`: of
    one row, `evidence` and `shape` (what of the newest day's shape is another; shape.changed)."""
    days, log = files.block.days, LogArrays.of(files.context())
    found = score(files.rows("pairs"), log, days)
    files.leave("events", found.events)
    files.leave("answers", answering(log).filter(pl.col("day").is_in(days)))
    known = files.rows("rephrase_events").filter(~pl.col("day").is_in(days))
    events = pl.concat(
        rows.select("target_turn_id", "p_rephrase") for rows in (known, found.events)
    )
    scored = {*days, *(day for day, there in files.files["rephrase_events"].items() if there)}
    turns = log.turns.filter(pl.col("day").is_in(scored))
    told = {"evidence": found.evidence, "shape": changed(turns, events)}
    files.leave(
        "told",
        pl.DataFrame({n: [v] for n, v in told.items()}, dict.fromkeys(told, pl.List(pl.String))),
    )


def with_success(events: pl.DataFrame) -> pl.DataFrame:
    """The events (with their `target_outcome`) with `p_success`: that the target is not said again, nor failed by the log."""
    stayed = events.group_by(target_turn_id="source_turn_id").agg(
        p_stayed=1 - pl.col("p_rephrase").max()
    )
    return events.join(stayed, on="target_turn_id", how="left").with_columns(
        p_success=pl.when(pl.col("target_outcome") == "failure")
        .then(0.0)
        .otherwise(pl.col("p_stayed").fill_null(1.0))
    )


def fits(events: pl.DataFrame, evidence: list[str]) -> pl.DataFrame:
    """How much is said again by `events` (`locale, p_rephrase`): a row a locale, and one of the whole."""
    every = pl.concat([events, events.with_columns(locale=pl.lit("all"))])
    return (
        every.group_by("locale")
        .agg(pairs=pl.len(), said_again=pl.col("p_rephrase").sum().round(3))
        .with_columns(evidence=pl.lit(evidence, dtype=pl.List(pl.String)))
        .sort("locale")
    )


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
