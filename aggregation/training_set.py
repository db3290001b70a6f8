"""From soft labels to a training set: what is believed enters, the rest is withheld with its reason.

Notation and constants: docs/method.md, 6.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import betaincinv

from aggregation.label_model.votes import FOR, validating

Floats = npt.NDArray[np.float64]

KEY = ["locale", "utterance"]
SURE = 0.8  # probability of the best label from which an example may be varied
VARIED = 0.25  # weight of a variant in that of its example
DOUBT = 0.1  # chance that the share of right labels is below the bound
BUCKETS = (("tail", 1, 2), ("torso", 3, 9), ("head", 10, None))  # by users of the wording


USERS, BELIEF, VERDICT = "floor of users", "floor of belief", "verdict"  # where an utterance stops


@dataclass(frozen=True)
class Floors:
    """What a wording needs to enter a training set."""

    users: int = 2  # distinct users behind the wording's cluster and label
    belief: float = 0.4  # lower bound of the probability of its best label


@dataclass(frozen=True)
class SetInputs:
    """`labels` (soft labels of the lake), the `votes` behind them, `slots` (`locale, utterance, slots, slots_known`),
    `wordings` (`locale, utterance, users`) and those whose label a person accepted (`locale, utterance`)."""

    labels: pl.DataFrame
    votes: pl.DataFrame
    slots: pl.DataFrame
    wordings: pl.DataFrame
    accepted: pl.DataFrame


@dataclass(frozen=True)
class TrainingSet:
    """`examples`, what was `withheld` (rows of `WithheldUtterances`), and `variants` of examples that nobody said."""

    examples: pl.DataFrame
    withheld: pl.DataFrame
    variants: pl.DataFrame


def build(believed: SetInputs, floors: Floors) -> TrainingSet:
    """Examples whose best label is believed, and how many wordings were withheld by reason.

    What decides is the lower bound of the best label's probability over the distinct users behind it:
    one user who is nine tenths sure is not yet believed. What a person accepted enters anyhow. The weight is the square of the probability:
    a wording half believed teaches a quarter.
    """
    judged = _judged(believed, floors)
    kept = judged.filter(pl.col("reason").is_null())
    withheld = judged.drop_nulls("reason").select(
        *KEY,
        "stage",
        "reason",
        label=pl.col("labels").list.first(),
        probability="best",
        users="users",
        at_least="at_least",
        needed=pl.when(pl.col("stage") == USERS).then(float(floors.users)).otherwise(floors.belief),
    )
    return TrainingSet(_examples(believed, kept).sort(KEY), withheld.sort(KEY), pl.DataFrame())


def _judged(believed: SetInputs, floors: Floors) -> pl.DataFrame:
    """`locale, utterance, labels, probabilities, best, users, accepted, reason`: a row a wording, with the reason why it
    is withheld, where it is."""
    gathered = (
        believed.labels.sort([*KEY, "probability", "label"], descending=[False, False, True, False])
        .group_by(KEY, maintain_order=True)
        .agg(
            labels=pl.col("label"),
            probabilities=pl.col("probability") / pl.col("probability").sum(),
            best=pl.col("probability").first(),
            users=pl.col("users").first(),
        )
    )
    bound = lower_bound(gathered["best"].to_numpy(), gathered["users"].cast(pl.Float64).to_numpy())
    few, doubted = pl.col("users") < floors.users, pl.col("at_least") < floors.belief
    reasons = {
        USERS: f"fewer than {floors.users} users behind cluster and label",
        BELIEF: "best label not believed by enough users",
    }
    return (
        gathered.with_columns(at_least=pl.Series(bound))
        .join(
            believed.accepted.with_columns(accepted=True), on=KEY, how="left", maintain_order="left"
        )
        .with_columns(
            stage=pl.when("accepted")
            .then(None)
            .when(few)
            .then(pl.lit(USERS))
            .when(doubted)
            .then(pl.lit(BELIEF))
        )
        .with_columns(reason=pl.col("stage").replace(reasons))
    )


def _examples(believed: SetInputs, kept: pl.DataFrame) -> pl.DataFrame:
    """Rows of `Examples`."""
    best = kept.select(*KEY, label=pl.col("labels").list.first())
    speaking = believed.votes.filter(pl.col("source").is_in(FOR))
    sources = (
        speaking.join(best, on=[*KEY, "label"])
        .group_by(KEY)
        .agg(sources=pl.col("source").unique().sort())
    )
    return (
        kept.join(sources, on=KEY, how="left")
        .join(believed.slots, on=KEY, how="left")
        .join(_split(believed.votes), on=KEY, how="left")
        .join(believed.wordings.select(*KEY, said_by="users"), on=KEY, how="left")
        .select(
            *KEY,
            "labels",
            "probabilities",
            weight=pl.col("best") ** 2,
            users="users",
            sources=pl.when("accepted")
            .then(pl.lit(["person"]))
            .otherwise(pl.col("sources").fill_null(pl.lit(["words"]))),
            slots="slots",
            slots_known=pl.col("slots_known").fill_null(value=False),
            split=pl.col("split").fill_null("train"),
            said_by=pl.col("said_by").fill_null(0),
        )
    )


def emptied(built: TrainingSet, because: tuple[str, ...]) -> TrainingSet:
    """The same where the log cannot tell labels: what a person accepted stays, the rest is withheld and says why."""
    by_person = pl.col("sources") == pl.lit(["person"])
    kept = built.examples.filter(by_person)
    reason = "this log cannot tell labels: " + "; ".join(because)
    told = built.examples.filter(~by_person).select(
        *KEY,
        stage=pl.lit(VERDICT),
        reason=pl.lit(reason),
        label=pl.col("labels").list.first(),
        probability=pl.col("weight").sqrt(),
        users="users",
        at_least=None,
        needed=0.0,
    )
    withheld = pl.concat([built.withheld, told.cast(built.withheld.schema)])
    return replace(built, examples=kept, withheld=withheld)


def counted(withheld: pl.DataFrame) -> pl.DataFrame:
    """`stage, reason, rows`: how many utterances were withheld from the training set, by reason."""
    rows = withheld.group_by("reason").agg(rows=pl.len().cast(pl.Int64))
    return rows.select(pl.lit("training set").alias("stage"), "reason", "rows")


def sure(examples: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance`: examples that may be varied, by what the weight says that is believed. What only
    users set apart said is none of them."""
    return examples.filter(pl.col("weight").sqrt() >= SURE, split="train").select(KEY)


def varied(built: TrainingSet, made: pl.DataFrame, said: pl.DataFrame) -> TrainingSet:
    """The training set with variants of its examples (`made`: `locale, utterance, variant`): each means what
    its example does, with less weight. What was `said` (`locale, utterance`) speaks for itself, in whatever
    letter case; of equal variants the one of the weightiest example stays."""
    folded = pl.col("utterance").str.to_lowercase()
    variants = (
        made.rename({"utterance": "source", "variant": "utterance"})
        .join(said.select("locale", folded), on=["locale", folded], how="anti")
        .join(
            built.examples.select(
                "locale", "labels", "probabilities", "weight", source="utterance"
            ),
            on=["locale", "source"],
        )
        .sort("weight", "source", descending=[True, False], maintain_order=True)
        .unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, "source", "labels", "probabilities", weight=VARIED * pl.col("weight"))
    )
    return replace(built, variants=variants.sort(KEY))


def best(labels: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, label, probability`: the most probable label of each wording."""
    most = pl.col("probability").max().over(KEY)
    first = labels.filter(pl.col("probability") == most).sort(*KEY, "label")
    return first.unique(KEY, keep="first", maintain_order=True).select(*KEY, "label", "probability")


def lower_bound(probability: Floats, users: Floats) -> Floats:
    """What the share of right labels exceeds in nine cases of ten, if each user behind the label were a
    draw (Jeffreys interval of a binomial share)."""
    right = probability * users
    return np.asarray(betaincinv(right + 0.5, users - right + 0.5, DOUBT))


def _split(votes: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, split`: `validation` where every user of a wording is set apart for it; what
    such a user says with others is in `train`."""
    said = votes.filter(pl.col("user_id") != "").group_by(KEY).agg(alone=validating().all())
    split = pl.when("alone").then(pl.lit("validation")).otherwise(pl.lit("train"))
    return said.select(*KEY, split=split)


def content_hash(built: TrainingSet) -> str:
    """Eight hexadecimal digits of the rows' content."""
    content = built.examples.write_json()
    if built.variants.height:
        content += built.variants.write_json()
    return hashlib.blake2b(content.encode(), digest_size=4).hexdigest()


@dataclass(frozen=True)
class Change:
    """What a training set says that the one before did not: wordings that are `new`, or have another
    best label (`turned`), and wordings that are `gone`."""

    new: int
    turned: int
    gone: int


def change(examples: pl.DataFrame, before: pl.DataFrame | None) -> Change:
    """From the set before to this one."""
    if before is None:
        return Change(examples.height, 0, 0)
    now, then = (e.select(*KEY, label=pl.col("labels").list.first()) for e in (examples, before))
    both = now.join(then, on=KEY, suffix="_then")
    turned = both.filter(pl.col("label") != pl.col("label_then")).height
    return Change(now.height - both.height, turned, then.height - both.height)


def card(
    version: str, built: TrainingSet, changed: Change, before: str | None, settings: str
) -> str:
    """The training set's card, in Markdown. Holds counts, no wording. `settings` is TOML or JSON."""
    examples = built.examples
    by_locale = examples.group_by("locale").agg(
        rows=pl.len(),
        weight=pl.col("weight").sum().round(1),
        labels=pl.col("labels").list.first().n_unique(),
        slots=(pl.col("slots").list.len() > 0).sum(),
        validation=(pl.col("split") == "validation").sum(),
    )
    lines = [
        f"# Training set {version}",
        "",
        f"{examples.height} wordings with soft labels. Against {before or 'none before it'}:"
        f" {changed.new} new, {changed.turned} with another best label, {changed.gone} gone.",
        "",
        "| locale | wordings | sum of weights | intents | with slots | validation |",
        "|---|---|---|---|---|---|",
        *("| " + " | ".join(map(str, row)) + " |" for row in by_locale.sort("locale").iter_rows()),
        "",
        "| said by | wordings | mean probability of the best label |",
        "|---|---|---|",
        *_buckets(examples),
        "",
        "| withheld | wordings |",
        "|---|---|",
        *(f"| {why} | {n} |" for _, why, n in counted(built.withheld).sort("reason").iter_rows()),
        "",
        "Probabilities sum to 1 over the labels of a row; the weight is how much evidence the row is",
        "worth. `users` counts the distinct users behind the wording's cluster and label, `said_by` those",
        "of the wording. Rows of `validation` were said only by users set apart for it; what these say as",
        "others do is in `train`.",
        "",
        *_of_variants(built.variants),
        "Settings of the night:",
        "",
        "```json",
        settings,
        "```",
    ]
    return "\n".join(lines) + "\n"


def _of_variants(variants: pl.DataFrame) -> list[str]:
    told = f"{variants.height} variants of wordings, which nobody said, lie in variants.parquet."
    return [told, ""] if variants.height else []


def _buckets(examples: pl.DataFrame) -> list[str]:
    lines = []
    for name, least, most in BUCKETS:
        rows = examples.filter(pl.col("said_by").is_between(least, most or 2**31))
        sure = rows.select(pl.col("probabilities").list.first()).mean().item()
        users = f"{least} to {most}" if most else f"{least} and more"
        lines.append(f"| {users} users ({name}) | {rows.height} | {sure or 0:.2f} |")
    return lines
