"""Wordings that fail, and the one that would serve their users: proposed only where we are sure, where users went from
the one to the other and came out well, and where both speak of the same values."""

import numpy as np
import polars as pl
from anyascii import anyascii
from rapidfuzz.fuzz import partial_ratio

from mining.alike import sound
from mining.defects import PULL, Judged

REPLICATES = 24  # of the bootstrap over users
SURE = 0.05  # quantile of the replicates that bounds a rate from either side
HARM = 5.0  # a turn that breaks weighs as much as so many that are mended
KEPT = 0.5  # probability from which users stayed with where they ended
ALIKE = 75.0  # of 100, from which a value was said
KEY = ["locale", "utterance"]


def asked(chains: pl.DataFrame, judged: Judged) -> pl.DataFrame:
    """The wordings at either end of a chain, under the hypothesis that the assistant has of them now:
    `locale, utterance, intent`."""
    ends = pl.concat(
        [chains.select("locale", utterance=pl.col(end)) for end in ("source", "target")]
    ).unique()
    return judged.now().join(ends, on=KEY, how="semi").select(*KEY, "intent", "like", "executed")


def rewrites(chains: pl.DataFrame, counted: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """For each wording its best target, where there is one: `locale, source, target, p_better, users,
    occurrences, p_same` and bounds of both rates of success.

    `counted` are the replicates of the users of each wording of `now`. A rewrite is proposed where
    the lower bound of its success exceeds the upper bound of leaving the wording alone, and where it
    mends more than it breaks, HARM to one. A turn that was not understood breaks if it is
    misunderstood instead.
    """
    right = _replicates(counted, now)
    both = (
        chains.join(
            right.rename({"utterance": "source", "right": "alone"}), on=["locale", "source"]
        )
        .rename({"executed": "source_executed"})
        .join(right.rename({"utterance": "target"}), on=["locale", "target"])
    )
    if both.is_empty():
        return _proposed(both.with_columns(p_better=0.0, low=0.0, high=0.0, gain=0.0))
    alone = np.stack(both["alone"].to_list())
    served = np.stack(both["right"].to_list()) * both["p_same"].to_numpy()[:, None]
    idle = 1 - both["source_executed"].to_numpy()[:, None]
    wins, harms = served * (1 - alone), (1 - served) * (alone + idle * (1 - alone))
    return _proposed(
        both.with_columns(
            p_better=pl.Series(np.round(wins.mean(axis=1), 6)),
            gain=pl.Series(np.round((wins - HARM * harms).mean(axis=1), 6)),
            low=pl.Series(np.round(np.quantile(served, SURE, axis=1), 6)),
            high=pl.Series(np.round(np.quantile(alone, 1 - SURE, axis=1), 6)),
        )
    )


def fitting(proposed: pl.DataFrame, moves: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """The rewrites that may go live: users went that way themselves and stayed with where they ended, and no
    value that the assistant heard in one of both is missing in the other.

    `moves` as the SQL file of the name has them; `values`: `locale, utterance, values`, those heard last.
    """
    went = moves.filter(pl.col("p_kept") >= KEPT)
    rows = proposed.join(
        went.select("locale", "source", "target"), on=["locale", "source", "target"], how="semi"
    )
    for side in ("source", "target"):
        heard = values.rename({"utterance": side, "values": f"{side}_values"})
        rows = rows.join(heard, on=["locale", side], how="left", maintain_order="left")
    fits = [
        held(r["target_values"], r["source"]) and held(r["source_values"], r["target"])
        for r in rows.select("source", "target", "source_values", "target_values").to_dicts()
    ]
    return rows.filter(pl.Series(fits, dtype=pl.Boolean)).select(proposed.columns)


def held(values: list[str] | None, wording: str) -> bool:
    """Whether a wording holds each of the values, misheard or misspelt perhaps.

    >>> held(["the beatles"], "play some beetles"), held(["monday"], "wake me on friday")
    (True, False)
    """
    return all(_alike(value, wording) >= ALIKE for value in values or [] if value)


def _alike(value: str, wording: str) -> float:
    """How alike a value is to the best matching stretch of a wording, 0 to 100: mean of letters and sound."""
    letters = partial_ratio(anyascii(value).lower(), anyascii(wording).lower())
    return float(letters + partial_ratio(sound(value), sound(wording))) / 2


def _replicates(counted: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, executed, right`: the rate of success in each replicate."""
    rows = counted.join(now, on=KEY).sort(*KEY, "replicate")
    right = (rows["users"] - rows["failed"] + PULL * rows["like"]) / (rows["users"] + PULL)
    served = right * (rows["executed"] > 0).cast(pl.Float64)
    return (
        rows.with_columns(right=served)
        .group_by(KEY, maintain_order=True)
        .agg("right", pl.col("executed").first())
    )


def _proposed(both: pl.DataFrame) -> pl.DataFrame:
    return (
        both.filter((pl.col("low") > pl.col("high")) & (pl.col("gain") > 0))
        .sort(
            ["locale", "source", "gain", "reach", "target"],
            descending=[False, False, True, True, False],
        )
        .unique(["locale", "source"], keep="first", maintain_order=True)
        .select(
            "locale",
            "source",
            "target",
            "p_better",
            "users",
            "occurrences",
            "p_same",
            success="low",
            success_alone="high",
        )
    )
