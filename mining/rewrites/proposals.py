"""Wordings that fail, and the one that would serve their users: proposed only where we are sure, where users went from
the one to the other and came out well, and where both speak of the same values.

Notation and constants: docs/method.md, 7.
"""

import polars as pl
from anyascii import anyascii
from rapidfuzz.fuzz import partial_ratio

from mining.rephrases.similarity import sound

HARM = 4.0  # a turn that breaks weighs as much as so many that are mended
KEPT = 0.5  # probability from which users stayed with where they ended
ALIKE = 75.0  # of 100, from which a value was said
KEY = ["locale", "utterance"]
WAY = ["locale", "source", "target"]
# The stage at which a way that users went falls out, in order.
ANSWER = "answer"
NOT_SERVED, NO_GAIN, ANOTHER, NOT_STAYED = "target", "success", "another", "stayed"
VALUES, REVIEW, RUNS, WAITS = "values", "review", "runs", "waits"


def judged(
    chains: pl.DataFrame,
    now: pl.DataFrame,
    moves: pl.DataFrame,
    values: pl.DataFrame,
    answers: pl.DataFrame,
) -> pl.DataFrame:
    """A row a wording and a target to which chains lead and which the assistant serves: `locale, source, target, p_better,
    breaks, users, occurrences, p_same`, the expected `success` of the target for these users and `success_alone` of the
    wording, and the `stage` at which it falls out, null of what may go live.

    `now`: the judged wordings as the assistant takes them now. `moves`: rows of `Transitions`; `values`: `locale, utterance,
    values`, those heard last; `answers`: `locale, utterance` of those that are mostly said in answer to a question, and mean
    nothing without it. A rewrite may go live where its target is none of these, where it mends more than it breaks, HARM to one (a turn that was not
    understood breaks if it is misunderstood instead), where no other target gains more, where users went that way
    themselves and stayed with where they ended, and where no value that the assistant heard in one of both is missing in
    the other.
    """
    asked = answers.select("locale", target="utterance", answer=True)
    rows = gains(_sides(chains, now)).join(asked, on=["locale", "target"], how="left")
    rows = rows.with_columns(pl.col("answer").fill_null(value=False)).sort(
        ["locale", "source", "answer", "gain", "reach", "target"],
        descending=[False, False, False, True, True, False],
    )
    went = moves.filter(pl.col("p_kept") >= KEPT).select(*WAY, went=True)
    rows = rows.join(went, on=WAY, how="left", maintain_order="left")
    rows = rows.with_columns(
        stage=pl.when("answer")
        .then(pl.lit(ANSWER))
        .when(pl.col("gain") <= 0)
        .then(pl.lit(NO_GAIN))
        .when(pl.int_range(pl.len()).over("locale", "source") > 0)
        .then(pl.lit(ANOTHER))
        .when(pl.col("went").is_null())
        .then(pl.lit(NOT_STAYED))
    )
    lost = _lost_values(rows.filter(pl.col("stage").is_null()), values)
    rows = rows.join(lost, on=WAY, how="left", maintain_order="left")
    rows = rows.with_columns(stage=pl.coalesce("stage", "lost"))
    about = ["p_better", "breaks", "users", "occurrences", "p_same", "success"]
    return rows.select(*WAY, *about, "stage", success_alone="alone")


def unbegun(rows: pl.DataFrame, proposed: pl.DataFrame, experiments: pl.DataFrame) -> pl.DataFrame:
    """The judged `rows` with a stage for those that may go live and do not: rejected by a person (they are not
    `proposed`), while another target runs, or waiting after a withdrawal."""
    live = experiments.filter(status="live").select("locale", "source", live=True).unique()
    told = (
        rows.join(proposed.select(*WAY, asked=True), on=WAY, how="left", maintain_order="left")
        .join(experiments.select(*WAY, begun=True), on=WAY, how="left", maintain_order="left")
        .join(live, on=["locale", "source"], how="left", maintain_order="left")
    )
    why = (
        pl.when(pl.col("begun").fill_null(value=False))
        .then(None)
        .when(pl.col("asked").is_null())
        .then(pl.lit(REVIEW))
        .when(pl.col("live").fill_null(value=False))
        .then(pl.lit(RUNS))
        .otherwise(pl.lit(WAITS))
    )
    return told.with_columns(stage=pl.coalesce("stage", why)).select(rows.columns)


def withheld(rows: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """The ways that users went (`moves`) which are not proposed, as rows of `WithheldRewrites`; `rows` are judged."""
    ways = moves.select(WAY).join(rows, on=WAY, how="left")
    stage = pl.when(pl.col("p_better").is_null()).then(pl.lit(NOT_SERVED)).otherwise("stage")
    told = ways.with_columns(stage=stage).drop_nulls("stage")
    return told.select(*WAY, "stage", "p_better", "breaks").sort(WAY)


def _sides(chains: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """The chains with the share of right turns that their target `served` and their source has `alone`, and its share `executed`."""
    served = pl.when(pl.col("executed") > 0).then(pl.col("right")).otherwise(0.0)
    sides = now.select(*KEY, executed="executed", served=served)
    return chains.join(
        sides.rename({"utterance": "source", "served": "alone"}), on=["locale", "source"]
    ).join(sides.select("locale", target="utterance", served="served"), on=["locale", "target"])


def gains(ways: pl.DataFrame) -> pl.DataFrame:
    """The ways (`served, alone, executed, p_same`) with what their targets would mend (`p_better`) and break (`breaks`)."""
    success, alone = pl.col("served") * pl.col("p_same"), pl.col("alone")
    idle = 1 - pl.col("executed")
    weighed = ways.with_columns(
        success=success.round(6),
        p_better=(success * (1 - alone)).round(6),
        breaks=((1 - success) * (alone + idle * (1 - alone))).round(6),
    )
    gain = pl.col("p_better") - HARM * pl.col("breaks")
    return weighed.with_columns(gain=gain.round(6))


def _lost_values(rows: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """`locale, source, target, lost`: of these ways those of which one wording lacks a value of the other."""
    rows = rows.select(WAY)
    for side in ("source", "target"):
        heard = values.rename({"utterance": side, "values": f"{side}_values"})
        rows = rows.join(heard, on=["locale", side], how="left", maintain_order="left")
    fits = [
        held(r["target_values"], r["source"]) and held(r["source_values"], r["target"])
        for r in rows.to_dicts()
    ]
    lost = rows.filter(~pl.Series(fits, dtype=pl.Boolean))
    return lost.select(*WAY, lost=pl.lit(VALUES))


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
