"""What persons who judged a few rows tell of all, and how beliefs are bent by it."""

import polars as pl
from sklearn.metrics import cohen_kappa_score

from aggregation.audit.estimate import Answers, bending, estimated
from aggregation.trust import SUBJECTS
from flows.pipeline import Reading, Result, every, step
from warehouse.common.platt import PlattScaling
from warehouse.lake import Lake, window_start
from warehouse.tables import AuditAnswers, AuditRows, Audits


@step(
    reads=every(AuditRows, AuditAnswers),
    writes=(Audits,),
    settings=("mining.window_days",),
)
def weigh_audits(at: Reading) -> Result:
    """Estimate by the answers of the window, and bend beliefs that they show to be off."""
    first = window_start(at.day, at.settings.mining.window_days)
    judged_on = set(at.lake.days("audit_rows")) & set(at.lake.days("audit_answers"))
    nights = sorted(d for d in judged_on if first <= d <= at.day)
    found = [told for s in SUBJECTS if (told := judged(read(at.lake, nights, s))) is not None]
    at.put(Audits, pl.concat([Audits.create_empty(), *found]))
    return {"audits": len(found)}


def scaling(at: Reading, subject: str) -> PlattScaling:
    """How the night bends what is believed of a subject; for a step that reads `Audits` of tonight."""
    rows = at.tonight(Audits).filter(subject=subject).select("shift", "stretch")
    return PlattScaling(*rows.row(0)) if rows.height else PlattScaling()


def read(lake: Lake, nights: list[str], subject: str) -> pl.DataFrame:
    """The answers to the rows of these nights, each with what was drawn: `night, row, auditor, right` and the rest of
    `AuditRows`; no `auditor` where nobody answered."""
    rows, answers = (
        lake.by_day(t, nights).filter(subject=subject).rename({"day": "night"})
        for t in ("audit_rows", "audit_answers")
    )
    return rows.join(answers.drop("subject"), on=["night", "row"], how="left")


def judged(answers: pl.DataFrame) -> pl.DataFrame | None:
    """A row of `Audits`; None where nobody could tell anything. Of a row that several judged, most of them decide; a
    tie is no answer."""
    told = answers.drop_nulls("right").group_by(pl.exclude("auditor", "right"))
    voted = told.agg(votes=pl.col("right").mean()).filter(pl.col("votes") != 0.5)
    voted = voted.with_columns(right=pl.col("votes") > 0.5).sort("night", "row")
    if voted.is_empty():
        return None
    last = voted["night"].max()
    newest, drawn = voted.filter(night=last), answers.filter(night=last)
    rows = drawn["row"].n_unique()
    believed, turns = newest.select("all_believed", "all_turns").row(0)
    found = estimated(_answers(newest, newest.height / rows), believed, turns)
    # What is drawn every night is one thing.
    once = voted.unique("row", keep="last", maintain_order=True)
    bend = bending(once["unbent"].to_numpy(), once["right"].to_numpy())
    row = {
        "subject": newest["subject"][0],
        "drawn": last,
        "rows": rows,
        "answered": newest.height,
        "auditors": drawn["auditor"].drop_nulls().n_unique(),
        "believed": believed,
        "observed": found.share,
        "at_least": found.at_least,
        "at_most": found.at_most,
        "kappa": kappa(drawn),
        "shift": bend.shift,
        "stretch": bend.stretch,
    }
    return Audits.validate(pl.DataFrame([row]), cast=True)


def _answers(rows: pl.DataFrame, answered: float) -> Answers:
    """Rows without an answer are held to be like the others."""
    expected = rows["expected"].to_numpy() * answered
    belief, right, turns = (rows[name].to_numpy() for name in ("belief", "right", "turns"))
    return Answers(belief, right, turns, expected)


def kappa(answers: pl.DataFrame) -> float | None:
    """Of the two persons with most rows in common (Cohen 1960); None where there are none, or both always say one thing."""
    told = answers.drop_nulls(["auditor", "right"]).select("row", "auditor", "right")
    pairs = told.join(told, on="row").filter(pl.col("auditor") < pl.col("auditor_right"))
    if pairs.is_empty():
        return None
    most = pairs.group_by("auditor", "auditor_right").len().sort("len", "auditor", "auditor_right")
    two = pairs.join(most.tail(1), on=["auditor", "auditor_right"])
    ours, theirs = two["right"], two["right_right"]
    if ours.n_unique() == 1 and theirs.n_unique() == 1:
        return None
    return float(cohen_kappa_score(ours, theirs))
