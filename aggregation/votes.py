"""The reports behind the labels, as a long table: who says that this wording means that label."""

import polars as pl

OWN = "stayed"  # the assistant's hypothesis was executed, and the users stayed
FLED = "fled"  # it was executed, and the users said it again: a vote against
UNHEARD = "unexecuted"  # the best hypothesis, which was not trusted enough to execute
END = "moved"  # the hypothesis of the wording with which users ended up, who stayed with it


def votes(utterances: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, label, kind, votes, users`; a user counts once for a wording and label."""
    heard = utterances.filter(pl.col("intent") != "").rename({"intent": "label"})
    executed = pl.col("executed_users").cast(pl.Float64)
    own = [
        _of_kind(heard, OWN, (executed - pl.col("fled")).clip(lower_bound=0), "executed_users"),
        _of_kind(heard, FLED, pl.min_horizontal(pl.col("fled"), executed), "executed_users"),
        _of_kind(heard, UNHEARD, pl.col("users") - executed, "users"),
    ]
    ends = (
        moves.join(
            heard.select("locale", "label", target="utterance", held=executed - pl.col("fled")),
            on=["locale", "target"],
        )
        .filter(pl.col("held") > 0)
        .group_by("locale", "label", utterance="source")
        .agg(votes=(pl.col("p_kept") * pl.col("users")).sum().round(6), users=pl.col("users").sum())
    )
    moved = _of_kind(ends, END, pl.col("votes"), "users")
    return (
        pl.concat([*own, moved])
        .filter(pl.col("votes") > 0)
        .sort("locale", "utterance", "label", "kind")
    )


def weights(cast: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, label, votes`: the weight of the votes for each label."""
    speaking = cast.filter(pl.col("kind") != FLED)
    return speaking.group_by("locale", "utterance", "label").agg(pl.col("votes").sum().round(6))


def _of_kind(rows: pl.DataFrame, kind: str, weight: pl.Expr, users: str) -> pl.DataFrame:
    return rows.select(
        "locale",
        "utterance",
        "label",
        kind=pl.lit(kind),
        votes=weight.cast(pl.Float64),
        users=pl.col(users).cast(pl.Int64),
    )
