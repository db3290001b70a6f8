"""What of a wording under a hypothesis of the assistant tells which share of its turns are right: a row each. nan where
the log does not tell.

The assistant takes the same words for the same, so that one hypothesis of a wording is right for nearly all of its users
or for hardly any. Many users who were each served rather well make it surer than any one of them.

Notation and constants: docs/method.md, 3.
"""

import numpy as np
import polars as pl

from mining.rephrases.features import Features

KEY = ["locale", "utterance", "intent"]
PULL = 2.0  # users at the mean of the log that a hypothesis or the neighbours are weighed against
NEAR = 0.3  # cosine from which a neighbour tells something
SURE = 0.02  # no turn is surer than this, or the reverse
MANY = 64  # users, from which on more tell nothing more


def signs(rows: pl.DataFrame, told: pl.DataFrame, neighbours: pl.DataFrame) -> Features:
    """The features of each row of `rows`: KEY, `executed` (share of users), `confidence`. `told` of their users as the SQL file
    `judged_turns` has it; `neighbours` of the wordings, with their `similarity`."""
    mean = 1 - float(told["failed"].sum()) / float(told["users"].sum()) if told.height else 0.5
    found = (
        rows.join(told, on=KEY, how="left", maintain_order="left")
        .join(_like(told, mean), on=KEY, how="left", maintain_order="left")
        .join(_near(told, neighbours, mean), on=KEY, how="left", maintain_order="left")
        .select(
            users=pl.col("users").clip(0, MANY).log1p(),
            served=1 - pl.col("failed") / pl.col("users"),
            odds=pl.col("odds") / pl.col("users").sqrt(),
            best=1 - pl.col("best"),
            worst=1 - pl.col("worst"),
            again="again",
            like="like",
            near="near",
            agree="agree",
            whole=pl.lit(mean),
            executed="executed",
            confidence=pl.col("confidence").rank() / pl.len(),
        )
        .cast(pl.Float64)
    )
    return Features(found.columns, found.to_numpy().astype(np.float32))


def _like(told: pl.DataFrame, mean: float) -> pl.DataFrame:
    """`like`: the share of right turns of the other wordings under the same hypothesis."""
    per = ["locale", "intent"]
    others = pl.col("users").sum().over(per) - pl.col("users")
    failed = pl.col("failed").sum().over(per) - pl.col("failed")
    return told.select(*KEY, like=(others - failed + PULL * mean) / (others + PULL))


def _near(told: pl.DataFrame, neighbours: pl.DataFrame, mean: float) -> pl.DataFrame:
    """`near`: the share of right turns of the most similar wordings under the same hypothesis; `agree` as `beside` has it."""
    rows = told.select(*KEY, said="users", told=pl.col("users") - pl.col("failed"))
    near = (pl.col("told") + PULL * mean) / (pl.col("said") + PULL)
    return beside(rows, neighbours).select(*KEY, "agree", near=near)


def beside(rows: pl.DataFrame, neighbours: pl.DataFrame) -> pl.DataFrame:
    """What is told of the wordings most similar to each of `rows` (KEY, `said`, `told`), under the same hypothesis: KEY, sums of `said`
    and `told` weighed by similarity, and `agree`, which share of what is most similar is under it. Wordings without neighbours
    have no row."""
    weighed = neighbours.filter(pl.col("similarity") > NEAR).select(
        "locale", "utterance", "neighbour", weight=pl.col("similarity") ** 2
    )
    theirs = rows.select(
        "locale", "intent", neighbour="utterance", their_said="said", their_told="told"
    )
    found = rows.select(KEY).join(weighed, on=["locale", "utterance"])
    every = found.group_by(KEY).agg(all=pl.col("weight").sum())
    alike = (
        found.join(theirs, on=["locale", "neighbour", "intent"])
        .group_by(KEY)
        .agg(
            said=(pl.col("weight") * pl.col("their_said")).sum(),
            told=(pl.col("weight") * pl.col("their_told")).sum(),
            same=pl.col("weight").sum(),
        )
    )
    return (
        every.join(alike, on=KEY, how="left")
        .with_columns(pl.col("said", "told", "same").fill_null(0.0))
        .select(*KEY, "said", "told", agree=pl.col("same") / pl.max_horizontal("all", 0.1))
    )
