"""Gathers from the lake what the verdicts on a log rest on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from aggregation.verdicts import (
    SUBJECTS,
    Labelled,
    Verdict,
    of_failures,
    of_pairs,
    table,
)
from aggregation.verdicts import (
    of_labels as label_verdict,
)
from mining.defects import Rates
from warehouse.lake import Lake

COLUMNS = tuple(f"verdict_{subject}" for subject in SUBJECTS)
KEY = ["locale", "utterance"]

__all__ = ["COLUMNS", "columns", "of_labels", "of_turns", "table"]


def of_turns(
    lake: Lake, days: list[str], defects: pl.DataFrame, rates: Rates
) -> tuple[Verdict, Verdict]:
    """Of the pairs and of the failures of a window."""
    p = lake.read("rephrase_events", days)["p_rephrase"].to_numpy()
    fits = lake.newest("fits")
    evidence = fits["evidence"].to_list()[0] if fits.height else []
    return of_pairs(p, evidence), of_failures(
        defects["p_defect"].to_numpy(), rates.right, rates.wrong
    )


def of_labels(lake: Lake, day: str, examples: pl.DataFrame, known: Sequence[Verdict]) -> Verdict:
    """Of a training set that was built."""
    failures = next(v for v in known if v.subject == "failures")
    return label_verdict(_labelled(lake, day, examples), failures)


def _labelled(lake: Lake, day: str, examples: pl.DataFrame) -> Labelled:
    best = examples.select(
        *KEY,
        label=pl.col("labels").list.first(),
        claimed=pl.col("probabilities").list.first(),
    )
    heard = (
        lake.read("judged", [day])
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
    return Labelled(
        wordings=best.height,
        turned=turned.height,
        turned_claimed=_mean(turned["claimed"]),
        turned_hypothesis=_mean(turned["right"]),
        checks=float(votes.sum()),
        believed=believed,
        observed=observed,
    )


def columns(trust: pl.DataFrame) -> dict[str, Any]:
    """The verdicts as columns of `runs`; null of what was not judged."""
    told = dict(trust.select("subject", "verdict").rows())
    return {f"verdict_{subject}": told.get(subject) for subject in SUBJECTS}


def _mean(values: pl.Series) -> float:
    return float(values.mean() or 0.0)  # type: ignore[arg-type]
