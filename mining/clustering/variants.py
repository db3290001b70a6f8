"""Wordings of different users for one goal, with the evidence that binds them.

Notation and constants: docs/method.md, 4.
"""

import polars as pl

SAME = 0.5  # probability of a move from which its ends say the same
MOST = 10  # variants of a wording
PAIR = ["locale", "utterance", "variant"]


def bound(
    moves: pl.DataFrame, neighbours: pl.DataFrame, clusters: pl.DataFrame, works: pl.DataFrame
) -> pl.DataFrame:
    """`locale, utterance < variant`, and what binds the two: users who went from one to the other
    (`moved`), users of the less common one who ended where those of the other did (`ended_alike`),
    `same_cluster`, `same_outcome` (one hypothesis, which serves both), and `similarity`.

    `works` holds the wordings that are served right: `locale, utterance, intent`.
    """
    sure = moves.filter(pl.col("p_same") >= SAME)
    moved = (
        _paired(sure.select("locale", utterance="source", variant="target", moved="users"))
        .group_by(PAIR)
        .agg(pl.col("moved").sum())
    )
    ends = sure.select("locale", "target", utterance="source", mine="users")
    alike = (
        ends.join(ends.rename({"utterance": "variant", "mine": "theirs"}), on=["locale", "target"])
        .filter(pl.col("utterance") < pl.col("variant"))
        .group_by(PAIR)
        .agg(ended_alike=pl.min_horizontal("mine", "theirs").sum())
    )
    near = _paired(neighbours.select("locale", "utterance", "similarity", variant="neighbour"))
    near = near.group_by(PAIR).agg(pl.col("similarity").max())
    every = pl.concat([f.select(PAIR) for f in (moved, alike, near)]).unique()
    told = (
        _shared(every, clusters, works)
        .join(moved, on=PAIR, how="left")
        .join(alike, on=PAIR, how="left")
        .join(near, on=PAIR, how="left")
        .with_columns(pl.col("moved", "ended_alike").fill_null(0))
        .filter(pl.col("same_cluster") | (pl.col("moved") + pl.col("ended_alike") > 0))
    )
    ranked = told.sort(
        ["moved", "ended_alike", "same_outcome", "similarity", *PAIR],
        descending=[True] * 4 + [False] * 3,
        nulls_last=True,
    )
    return (
        ranked.filter(pl.int_range(pl.len()).over("locale", "utterance") < MOST)
        .select(*PAIR, "moved", "ended_alike", "same_cluster", "same_outcome", "similarity")
        .sort(PAIR)
    )


def _shared(pairs: pl.DataFrame, clusters: pl.DataFrame, works: pl.DataFrame) -> pl.DataFrame:
    """The pairs with `same_cluster` and `same_outcome`."""
    for of, name in ((clusters, "cluster_id"), (works, "intent")):
        mine = of.select("locale", "utterance", name)
        theirs = mine.rename({"utterance": "variant", name: f"{name}_variant"})
        pairs = pairs.join(mine, on=PAIR[:2], how="left")
        pairs = pairs.join(theirs, on=["locale", "variant"], how="left")
    return pairs.with_columns(
        same_cluster=(pl.col("cluster_id") == pl.col("cluster_id_variant")).fill_null(False),
        same_outcome=(pl.col("intent") == pl.col("intent_variant")).fill_null(False),
    )


def groups(pairs: pl.DataFrame) -> pl.DataFrame:
    """The wordings of each pair, for counting the distinct users behind it: `locale, utterance,
    group_id`."""
    numbered = pairs.with_columns(group_id=pl.int_range(pl.len()).cast(pl.String))
    return pl.concat(
        numbered.select("locale", pl.col(side).alias("utterance"), "group_id")
        for side in ("utterance", "variant")
    )


def with_users(pairs: pl.DataFrame, backers: pl.DataFrame) -> pl.DataFrame:
    """The pairs with `users`, the distinct users who said either; `backers` of their `groups`."""
    numbered = pairs.with_columns(group_id=pl.int_range(pl.len()).cast(pl.String))
    return numbered.join(backers, on="group_id", how="left").drop("group_id").sort(PAIR)


def _paired(rows: pl.DataFrame) -> pl.DataFrame:
    """Both ways as one: the lesser wording first."""
    lesser, greater = (
        pl.min_horizontal("utterance", "variant"),
        pl.max_horizontal("utterance", "variant"),
    )
    return rows.with_columns(utterance=lesser, variant=greater)
