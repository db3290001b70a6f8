"""Gathers from the lake what the verdict on labels rests on."""

from typing import Any

import numpy as np
import polars as pl

from aggregation.trust import SUBJECTS, BuiltSet
from warehouse.lake import Lake

COLUMNS = tuple(f"verdict_{subject}" for subject in SUBJECTS)
KEY = ["locale", "utterance"]


def labelled(lake: Lake, day: str, examples: pl.DataFrame) -> BuiltSet:
    """What a training set that was built claims, and what held-back users found."""
    best = examples.select(
        *KEY,
        label=pl.col("labels").list.first(),
        claimed=pl.col("probabilities").list.first(),
    )
    heard = (
        lake.read("hypothesis_accuracy", [day])
        .filter(pl.col("intent") != "")
        .sort(*KEY, "users", "intent", descending=[False, False, True, False])
        .unique(KEY, keep="first", maintain_order=True)
    )
    turned = best.join(heard, on=KEY).filter(pl.col("label") != pl.col("intent"))
    checks = lake.read("calibration", [day]).filter(pl.col("bucket") != "head")
    votes = checks["votes"].to_numpy()
    believed, observed = (
        float(np.average(checks[name], weights=votes)) if votes.sum() else 0.0
        for name in ("bent", "observed")
    )
    errors = checks["error"].fill_null(0.0).to_numpy() * votes
    return BuiltSet(
        wordings=best.height,
        turned=turned.height,
        turned_claimed=_mean(turned["claimed"]),
        turned_hypothesis=_mean(turned["right"]),
        checks=float(votes.sum()),
        believed=believed,
        observed=observed,
        error=float(np.sqrt((errors**2).sum()) / votes.sum()) if votes.sum() else 0.0,
    )


def columns(trust: pl.DataFrame) -> dict[str, Any]:
    """The verdicts as columns of `runs`; null of what was not judged."""
    told = dict(trust.select("subject", "verdict").rows())
    return {f"verdict_{subject}": told.get(subject) for subject in SUBJECTS}


def _mean(values: pl.Series) -> float:
    return float(values.mean() or 0.0)  # type: ignore[arg-type]
