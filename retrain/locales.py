"""The gate by locale: none may surely get worse, however well the others fare.

What can be told of a locale by itself depends on its cases: where even the loss of all of them could be
chance, it is judged together with the others like it.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import betainc

SMALL = "small locales"


def small(cases: pl.DataFrame, chance: float) -> list[str]:
    """The locales of `cases` (`locale, weight`) that are too few for a verdict of their own, if several."""
    known = cases.group_by("locale").agg(pl.col("weight").sum()).sort("locale")
    least = np.log2(max(known.height, 1) / chance)
    few = known.filter(pl.col("weight") < least)["locale"].to_list()
    return few if len(few) > 1 else []


def together(rows: pl.DataFrame, few: list[str]) -> pl.DataFrame:
    """The rows with one name for the locales that are judged together."""
    name = f"{SMALL} ({len(few)})"
    return rows.with_columns(pl.col("locale").replace(few, name))


def worse(cases: pl.DataFrame, chance: float) -> Iterator[str]:
    """Which locales surely got worse: a one-sided sign test over the cases that changed, its chance shared
    out over the locales (Bonferroni). `cases`: `locale, weight, flipped, mended`."""
    parts = together(cases, small(cases, chance))
    changed = parts.group_by("locale").agg(
        flips=pl.col("weight").filter("flipped").sum(),
        mended=pl.col("weight").filter("mended").sum(),
    )
    for locale, flips, mended in changed.sort("locale").iter_rows():
        p = float(betainc(flips, mended + 1, 0.5)) if flips else 1.0
        if p < chance / changed.height:
            part = locale if locale.startswith(SMALL) else f"locale {locale}"
            yield f"makes {part} worse: breaks {flips:.0f} cases, mends {mended:.0f} (p {p:.1g})"
