"""Wordings that fail, and the one that would serve their users: proposed only where we are sure."""

import numpy as np
import polars as pl

from mining.defects import PULL, Judged

REPLICATES = 24  # of the bootstrap over users
SURE = 0.05  # quantile of the replicates that bounds a rate from either side
HARM = 5.0  # a turn that breaks weighs as much as so many that are mended
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
