"""Whose word is behind a label: the users of the wording's cluster, or of its nearest neighbours, as
far as the same label is believed of them. So a wording said once can have many users behind it.

Notation and constants: docs/method.md, 6.
"""

import polars as pl

from aggregation.training_set import best

KEY = ["locale", "utterance"]
NEAR = 0.3  # cosine from which a neighbour with the same label speaks for a wording


def groups(
    believed: pl.DataFrame, clusters: pl.DataFrame, neighbours: pl.DataFrame
) -> pl.DataFrame:
    """`locale, utterance, group_id`: the wordings of each group whose users are to be counted.

    A wording heads the group of itself and its neighbours (`n` + its number), and is in the group of
    its cluster and label (`c` + cluster + label).
    """
    labelled = _numbered(believed)
    by_cluster = labelled.join(clusters, on=KEY).select(*KEY, group_id=_cluster_group())
    near = (
        neighbours.filter(pl.col("similarity") >= NEAR)
        .join(labelled, on=KEY)
        .join(
            labelled.select("locale", "label", neighbour="utterance"),
            on=["locale", "neighbour", "label"],
        )
        .select("locale", utterance="neighbour", group_id=_own_group())
    )
    own = labelled.select(*KEY, group_id=_own_group())
    return pl.concat([by_cluster, own, near])


def with_users(
    believed: pl.DataFrame, clusters: pl.DataFrame, backers: pl.DataFrame
) -> pl.DataFrame:
    """`believed` with `users`: distinct users behind the best label of a wording, 0 for its others.

    `backers` counts the users of each group.
    """
    counted = (
        _numbered(believed)
        .join(clusters.select(*KEY, "cluster_id"), on=KEY)
        .with_columns(cluster_group=_cluster_group(), own_group=_own_group())
        .join(backers.rename({"group_id": "cluster_group"}), on="cluster_group", how="left")
        .join(backers.rename({"group_id": "own_group"}), on="own_group", how="left", suffix="_near")
        .select(*KEY, "label", users=pl.max_horizontal("users", "users_near"))
    )
    return believed.join(counted, on=[*KEY, "label"], how="left").with_columns(
        pl.col("users").fill_null(0)
    )


def _numbered(believed: pl.DataFrame) -> pl.DataFrame:
    """The best label of each wording, with a number for the wording."""
    return best(believed).with_row_index("number")


def _cluster_group() -> pl.Expr:
    return pl.format("c{}/{}", "cluster_id", "label")


def _own_group() -> pl.Expr:
    return pl.format("n{}", "number")
