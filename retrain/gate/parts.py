"""The gate by part, a locale or an intent: none may surely get worse, however well the others fare, and no intent may
be lost.

What can be told of a part by itself depends on its cases: where even the loss of all of them could be chance, it is
judged together with the others like it.

Notation and constants: docs/method.md, 9.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import betainc

from warehouse.blur import quoted

By = Literal["locale", "intent"]
LOST = 3.0  # cases of an intent that were right, all of which are wrong now


def small(cases: pl.DataFrame, chance: float, by: By) -> list[str]:
    """The parts of `cases` (by `weight`) that are too few for a verdict of their own, if several."""
    known = cases.group_by(by).agg(pl.col("weight").sum()).sort(by)
    least = np.log2(max(known.height, 1) / chance)
    few = known.filter(pl.col("weight") < least)[by].to_list()
    return few if len(few) > 1 else []


def together(rows: pl.DataFrame, few: list[str], by: By) -> pl.DataFrame:
    """The rows with one name for the parts that are judged together."""
    return rows.with_columns(pl.col(by).replace(few, f"small {by}s ({len(few)})"))


def worse(cases: pl.DataFrame, chance: float, by: By) -> Iterator[str]:
    """Which parts surely got worse: a one-sided sign test over the cases that changed, its chance shared
    out over the parts (Bonferroni). `cases`: `weight, flipped, mended` and what they are parted by."""
    few = small(cases, chance, by)
    changed = (
        together(cases, few, by)
        .group_by(by)
        .agg(
            flips=pl.col("weight").filter("flipped").sum(),
            mended=pl.col("weight").filter("mended").sum(),
        )
    )
    for name, flips, mended in changed.sort(by).iter_rows():
        p = float(betainc(flips, mended + 1, 0.5)) if flips else 1.0
        if p < chance / changed.height:
            part = name if few and name.startswith(f"small {by}s (") else f"{by} {quoted(name)}"
            yield f"makes {part} worse: breaks {flips:.0f} cases, mends {mended:.0f} (p {p:.1g})"


def lost(cases: pl.DataFrame) -> pl.DataFrame:
    """`intent, right`: the intents of which no case is right any more, and how many were. `cases`: `intent, weight,
    before, after`."""
    sums = [(pl.col("weight") * pl.col(side)).sum().alias(side) for side in ("before", "after")]
    counted = cases.group_by("intent").agg(sums).filter(pl.col("before") > 0, pl.col("after") == 0)
    return counted.select("intent", right="before").sort("intent")
