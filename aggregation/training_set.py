"""From soft labels to a training set: what is believed enters, the rest is withheld with its reason."""

import hashlib
from dataclasses import dataclass

import polars as pl

from aggregation.votes import FLED

KEY = ["locale", "utterance"]


@dataclass(frozen=True)
class Floors:
    """What a wording needs to enter a training set."""

    users: int = 2  # distinct users behind the wording's cluster and label
    probability: float = 0.5  # of its best label


@dataclass(frozen=True)
class TrainingSet:
    examples: pl.DataFrame
    withheld: pl.DataFrame


def build(soft_labels: pl.DataFrame, votes: pl.DataFrame, floors: Floors) -> TrainingSet:
    """Examples whose best label is believed, and how many wordings were withheld by reason.

    The weight is the square of the best label's probability: a wording half believed teaches a
    quarter.
    """
    gathered = (
        soft_labels.sort([*KEY, "probability", "label"], descending=[False, False, True, False])
        .group_by(KEY, maintain_order=True)
        .agg(
            labels=pl.col("label"),
            probabilities=pl.col("probability") / pl.col("probability").sum(),
            best=pl.col("probability").first(),
            users=pl.col("users").first(),
        )
    )
    few = pl.col("users") < floors.users
    doubt = pl.col("best") < floors.probability
    reason = (
        pl.when(doubt)
        .then(pl.lit("best label not believed"))
        .when(few)
        .then(pl.lit(f"fewer than {floors.users} users behind cluster and label"))
    )
    judged = gathered.with_columns(reason=reason)
    kept = judged.filter(pl.col("reason").is_null())
    sources = (
        votes.filter(pl.col("kind") != FLED)
        .join(kept.select(*KEY, label=pl.col("labels").list.first()), on=[*KEY, "label"])
        .group_by(KEY)
        .agg(sources=pl.col("kind").unique().sort())
    )
    examples = kept.join(sources, on=KEY, how="left").select(
        *KEY,
        "labels",
        "probabilities",
        weight=pl.col("best") ** 2,
        users="users",
        sources=pl.col("sources").fill_null(pl.lit(["words"])),
        slots=pl.lit(None),
    )
    withheld = judged.drop_nulls("reason").group_by("reason").agg(rows=pl.len().cast(pl.Int64))
    return TrainingSet(
        examples.sort(KEY), withheld.select(pl.lit("training set").alias("stage"), "reason", "rows")
    )


def content_hash(examples: pl.DataFrame) -> str:
    """Eight hexadecimal digits of the rows' content."""
    rows = examples.select(*KEY, "labels", "probabilities", "weight", "users")
    return hashlib.blake2b(rows.write_json().encode(), digest_size=4).hexdigest()


def fresh(examples: pl.DataFrame, before: pl.DataFrame | None) -> int:
    """How many wordings the set before did not hold with the same best label."""
    if before is None:
        return examples.height
    best = [*KEY, pl.col("labels").list.first().alias("label")]
    return examples.select(best).join(before.select(best), on=[*KEY, "label"], how="anti").height


def card(version: str, built: TrainingSet, new: int) -> str:
    """The training set's card, in Markdown. Holds counts, no wording."""
    examples = built.examples
    by_locale = examples.group_by("locale").agg(
        rows=pl.len(),
        weight=pl.col("weight").sum().round(1),
        labels=pl.col("labels").list.first().n_unique(),
    )
    lines = [
        f"# Training set {version}",
        "",
        f"{examples.height} wordings with soft labels, {new} of them new or with another best label.",
        "",
        "| locale | wordings | sum of weights | intents |",
        "|---|---|---|---|",
        *(f"| {loc} | {n} | {w} | {k} |" for loc, n, w, k in by_locale.sort("locale").iter_rows()),
        "",
        "| withheld | wordings |",
        "|---|---|",
        *(f"| {why} | {n} |" for _, why, n in built.withheld.sort("reason").iter_rows()),
        "",
        "Probabilities sum to 1 over the labels of a row; the weight is how much evidence the row is",
        "worth. `users` counts the distinct users behind the wording's cluster and label.",
    ]
    return "\n".join(lines) + "\n"
