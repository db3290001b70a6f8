"""Whether retraining pays, and who is told."""

from dataclasses import replace

import polars as pl

from flows import encoders
from flows.expected_gain import changed, expected_gain
from flows.pipeline import Night, Reading, Result, every, step, tonight, window
from flows.steps import facts
from retrain.delivery import outbox
from retrain.registry import overrides
from retrain.trigger import TriggerConfig, decide
from warehouse.tables import (
    Decisions,
    HypothesisStats,
    IntentCandidates,
    ProblemReviews,
    Problems,
    TrainingSets,
    Trends,
    Turns,
    UtteranceStats,
)

WEEK = 7  # days


@step(
    reads=(
        *window(Turns),
        *tonight(TrainingSets, HypothesisStats, Trends, IntentCandidates, Problems, ProblemReviews),
        *every(UtteranceStats),  # of the night whose training set the champion learned
    ),
    writes=(Decisions,),
    settings=(
        "mining.window_days",
        "min_users.published",
        "trigger",
        "trainer",
        *encoders.SETTINGS,
    ),
    facts=(facts.CHAMPION, facts.MODELS, facts.OVERRIDES, facts.PROGRAMS, facts.ENCODER_FILES),
)
def decide_retraining(at: Reading) -> Result:
    """Whether retraining pays, and why."""
    version = at.tonight(TrainingSets)["version"].item()
    helpers = encoders.helpers(at.home, at.settings)
    known = expected_gain(at.home, at.lake, at.day, len(at.days(Turns)), version, helpers)
    told = changed(at.lake, at.day, at.settings.min_users.published)
    config = TriggerConfig(**at.settings.trigger.model_dump())
    decision = decide(replace(known, drift=(*known.drift, *told)), config)
    stopped = overrides.read(at.home).against(version)
    because = [*([stopped] if stopped else []), *decision.because, *_hurting(at)]
    verdict = {"retrain": decision.retrain and not stopped, "because": because}
    at.put(Decisions, pl.DataFrame([{"night": at.day, "version": version, **verdict}]))
    return verdict


def _hurting(at: Reading) -> list[str]:
    """What the open problems are worth a week that a training set may mend: intents that are mistaken for others. Only those that may be
    published, or the sum would tell of few."""
    k = at.settings.min_users.published
    dismissed = at.tonight(ProblemReviews).select("problem_id")
    rows = at.tonight(Problems).filter(pl.col("users") >= k, pl.col("failed") >= k)
    rows = rows.filter(kind="eaten", status="open").join(dismissed, on="problem_id", how="anti")
    if rows.is_empty():
        return []
    worth, least = (
        WEEK * float((rows[c] / rows["days"]).sum()) for c in ("failed", "failed_at_least")
    )
    several = f"{rows.height} intents are" if rows.height > 1 else "an intent is"
    return [f"{several} mistaken for others: worth {worth:.0f} turns a week, {least:.0f} at least"]


def post_messages(night: Night, day: str) -> Result:
    """Leave a message for each receiver, where retraining is due; they are sent once the night is over."""
    row = night.lake.read("decisions", [day]).row(0, named=True)
    names = night.receivers if row["retrain"] else ()
    return {"waiting": outbox.post(night.home, day, row["version"], row["because"], names)}
