"""Wordings whose meaning moved: their older votes fade, so that they are learned again.

Users who came back to a label as seldom as to anything right, and now do as often as to anything wrong (or the other
way round), no longer mean the same by the words. Told apart from chance by Fisher's exact test of the newest days
against those before, over all wordings of the night (Benjamini and Hochberg 1995).

Notation and constants: docs/method.md, 5.
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import false_discovery_control, hypergeom

from aggregation.label_model.votes import ACCEPTED, REFORMULATED

WINDOWS = (1, 3, 7)  # newest days that are held against those before
FEWEST = 3.0  # votes on either side
FALSE = 0.05  # share of the wordings that are said to have moved and have not
FADED = 0.1  # what an older vote of such a wording is worth
KEY = ["locale", "utterance"]
MOVED = pl.Schema(
    dict.fromkeys((*KEY, "label", "since"), pl.String())
    | dict.fromkeys(
        ("accepted_before", "reformulated_before", "accepted", "reformulated"), pl.Float64()
    )
)


def moved(votes: pl.DataFrame, night: str) -> pl.DataFrame:
    """`locale, utterance, label, since, accepted_before, reformulated_before, accepted, reformulated`: of each wording that moved the
    label by which it shows most, and the first day that counts as new."""
    own = votes.filter(pl.col("source").is_in([ACCEPTED, REFORMULATED]))
    tried = pl.concat([_tried(own, night, days) for days in WINDOWS])
    if tried.is_empty():
        return MOVED.to_frame()
    chance = np.minimum(1.0, _chance(tried) * len(WINDOWS))
    sure = tried.with_columns(p=pl.Series(chance)).sort("p", *KEY, "label", "since")
    first = sure.unique([*KEY, "label"], keep="first", maintain_order=True)
    q = false_discovery_control(first["p"].to_numpy())
    found = first.filter(pl.Series(q <= FALSE)).unique(KEY, keep="first", maintain_order=True)
    return found.select(MOVED.names()).sort(KEY)


def faded(votes: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The votes, those of wordings that are `known` to have moved worth FADED where they are older."""
    if known.is_empty():
        return votes
    since = votes.join(known.select(*KEY, "since"), on=KEY, how="left", maintain_order="left")
    old = (pl.col("day") < pl.col("since")).fill_null(value=False)
    worth = pl.when(old).then(pl.col("weight") * FADED).otherwise(pl.col("weight"))
    return since.with_columns(weight=worth).drop("since")


def _tried(own: pl.DataFrame, night: str, days: int) -> pl.DataFrame:
    """Stayed and reformulated in the newest days, and before, where there are enough of both."""
    since = (date.fromisoformat(night) - timedelta(days=days - 1)).isoformat()
    new = pl.col("day") >= since

    def told(source: str, when: pl.Expr) -> pl.Expr:
        return pl.col("weight").filter((pl.col("source") == source) & when).sum()

    counted = own.group_by(*KEY, "label").agg(
        since=pl.lit(since),
        accepted_before=told(ACCEPTED, ~new),
        reformulated_before=told(REFORMULATED, ~new),
        accepted=told(ACCEPTED, new),
        reformulated=told(REFORMULATED, new),
    )
    before, now = (
        pl.col("accepted_before") + pl.col("reformulated_before"),
        pl.col("accepted") + pl.col("reformulated"),
    )
    return counted.filter((before >= FEWEST) & (now >= FEWEST)).select(MOVED.names())


def _chance(tried: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Of so many or more (or so few or fewer) of those who reformulated being among the newest, were nothing new: two-sided."""
    accepted_before, reformulated_before, accepted, reformulated = (
        np.round(tried[c].to_numpy()).astype(np.int64)
        for c in ("accepted_before", "reformulated_before", "accepted", "reformulated")
    )
    drawn = hypergeom(
        accepted_before + reformulated_before + accepted + reformulated,
        reformulated_before + reformulated,
        accepted + reformulated,
    )
    either = np.minimum(drawn.sf(reformulated - 1), drawn.cdf(reformulated))
    return np.asarray(np.minimum(1.0, 2 * either))
