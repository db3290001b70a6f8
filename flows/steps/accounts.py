"""What was left out of what is believed, how much and why: rows of `withheld`, as of a night of the lake."""

from collections.abc import Iterable

import polars as pl

from mining.ingest.heard import whole
from warehouse.lake import Lake
from warehouse.tables import WithheldUtterances

ANSWERS = "it is said in answer to the assistant's questions, which is no wording of an intent"


def rejected(lake: Lake, day: str) -> pl.DataFrame:
    """Rows that were set aside at the door."""
    return (
        lake.read("rejects", [day])
        .group_by(reason=pl.col("field") + " " + pl.col("reason"))
        .agg(rows=pl.len().cast(pl.Int64))
        .select(pl.lit("door").alias("stage"), "reason", "rows")
        .sort("reason")
    )


def bots(lake: Lake, day: str, days: Iterable[str] | None = None) -> pl.DataFrame:
    """Turns of the window (`days`; all that may be read where not given) that no person says, by the reason."""
    aside = lake.by_day("bots", lake.days("bots") if days is None else days)
    return (
        aside.group_by(reason=pl.lit("bots: ") + pl.col("reason").cast(pl.String))
        .agg(rows=pl.col("turns").sum())
        .select(pl.lit("mining").alias("stage"), "reason", "rows")
        .sort("reason")
    )


def cut(lake: Lake, day: str) -> pl.DataFrame:
    """Turns of the window whose text was too long to be a wording."""
    turns = lake.scan("turns", lake.days("turns")).filter(~whole("utterance"))
    rows = turns.select(pl.len()).collect().item()
    return _one("mining", "pasted texts, cut", rows)


def answers(lake: Lake, day: str) -> pl.DataFrame:
    """Turns that say nothing of their own wording."""
    return _one("labels", "answers to a question", lake.read("slot_answers", [day]).height)


def unlabelled(wordings: pl.DataFrame, labels: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """The wordings for which there is no label at all, as rows of `WithheldUtterances`; `asked` are turns that answer a
    question."""
    key = ["locale", "utterance"]
    none = wordings.join(labels, on=key, how="anti")
    answering = none.join(asked, on=key, how="semi").select(*key, answers=True)
    why = (
        pl.when("answers").then(pl.lit(ANSWERS)).otherwise(pl.lit("no label was ever heard for it"))
    )
    rows = none.join(answering, on=key, how="left").select(
        *key, stage=pl.lit("labels"), reason=why, needed=0.0
    )
    schema = WithheldUtterances.create_empty().schema
    missing = {n: pl.lit(None, kind) for n, kind in schema.items() if n not in rows.columns}
    return rows.with_columns(**missing).select(schema.names())


def without_label(rows: pl.DataFrame) -> pl.DataFrame:
    """How many wordings there is no label for."""
    return _one("labels", "no hypothesis and no seed data", rows.height)


def _one(stage: str, reason: str, rows: int) -> pl.DataFrame:
    row = {"stage": stage, "reason": reason, "rows": rows}
    return pl.DataFrame([row]).filter(pl.col("rows") > 0)
