"""A night: from log files to what is believed, step by step."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from flows import seed
from flows.erasure import erase_old
from flows.pipeline import Caller, Night, Result, Step, in_order
from flows.steps import added
from flows.steps.accounts import bots
from flows.steps.audits import weigh_audits
from flows.steps.clustering import cluster_utterances
from flows.steps.decision import decide_retraining, post_messages
from flows.steps.embedding import embed_utterances
from flows.steps.failures import judge_turns
from flows.steps.figures import gather_figures
from flows.steps.intake import about_values, take_in
from flows.steps.labels import label_utterances
from flows.steps.launches import track_launches
from flows.steps.planning import plan_night
from flows.steps.problems import follow_problems
from flows.steps.publishing import believe_nothing, publish_warehouse
from flows.steps.rephrases import evidence_of, score_pairs
from flows.steps.slots import mine_slots
from flows.steps.training import build_training_set
from flows.steps.trends import detect_trends
from flows.steps.utterances import count_utterances
from flows.steps.voter import ask_voter
from warehouse import forgotten
from warehouse.lake import days_between

HEARD = (weigh_audits, plan_night, score_pairs, count_utterances)
BELIEVED = (
    embed_utterances,
    cluster_utterances,
    judge_turns,
    ask_voter,
    label_utterances,
    mine_slots,
    detect_trends,
    gather_figures,
    build_training_set,
    track_launches,
    follow_problems,
    decide_retraining,
)


def believed() -> tuple[Step, ...]:
    """The steps of what is believed, in order, with those that were added."""
    more = added((take_in, *HEARD, *BELIEVED))
    ordered = in_order([take_in, *HEARD, *BELIEVED, *more])
    return tuple(each for each in ordered if each not in (take_in, *HEARD))


def up_to(last: Step, night: Night) -> str:
    """Take the log in, and carry out the steps up to this one; the day of the night."""
    take_in(night, "")
    day = night.lake.days("turns")[-1]
    for each in (*HEARD, *believed()):
        each(night, day)
        if each.name == last.name:
            break
    return day


@dataclass(frozen=True)
class Outcome:
    """What a night came to."""

    night: str
    status: str
    intake: Result
    counts: dict[str, int]
    training_set: str | None = None
    retrain: bool = False
    because: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  # what the log had to tell a rephrase from a change of mind
    told: tuple[dict[str, str], ...] = ()  # messages sent that retraining is due
    verdicts: tuple[dict[str, Any], ...] = ()  # subject, verdict, because
    noticed: tuple[str, ...] = ()  # what is odd about the log


def learn(night: Night, today: str, call: Caller) -> Outcome:
    """The steps of a night, in order. `today` names the night of a log that holds no turn."""
    intake = call(take_in, night, "")
    if night.seed_data is not None:
        seed.keep(night.home, night.seed_data)
    erased = call(erase_old, night.home, night.settings, night.now)
    if intake["days"] or erased["turns"]:
        outcome = believe_night(night, intake, call)
    else:
        counts = call(publish_warehouse, night, today, intake)
        outcome = Outcome(today, "empty", intake, counts["views"])
    forgotten.settle(night.home)
    return outcome


def believe_night(night: Night, intake: Result, call: Caller) -> Outcome:
    """The steps after a log was taken in, or turns were erased.

    What is believed is believed as of the newest night of the lake, also where a missed night comes late.
    """
    day = night.lake.days("turns")[-1]
    found = _done(HEARD, night, day, call)
    if not found["count_utterances"]["wordings"]:
        call(believe_nothing, night, day, believed())
        noticed = about_rows(night, day)
        counts = call(publish_warehouse, night, day, intake, noticed)
        return Outcome(day, "empty", intake, counts["views"], noticed=tuple(noticed))
    found |= _done(believed(), night, day, call)
    call(post_messages, night, day)
    noticed = [
        *(f"the log has another shape: {s}" for s in found["score_pairs"]["shape"]),
        *drifted(found["plan_night"], found["label_utterances"]["drift"]),
        *about_rows(night, day),
        *outside(night, day, intake),
        *about_values(night, day, intake, set(seed.kept(night.home)["intent"])),
    ]
    counts = call(publish_warehouse, night, day, intake, noticed)
    return _outcome(night, day, intake, counts["views"], noticed)


def drifted(plan: Result, drift: float | None) -> list[str]:
    """How far beliefs were from what a night that learns everything believes, where others had come before it."""
    if drift is None or plan["small"]:
        return []
    told = f"everything was learned anew ({plan['because']}): {drift:.1%} of wordings have another best label than before"
    return [told]


def _done(steps: Iterable[Step], night: Night, day: str, call: Caller) -> dict[str, Result]:
    """What each step came to, by its name."""
    return {step.name: call(step, night, day) for step in steps}


def _outcome(
    night: Night, day: str, intake: Result, views: dict[str, int], noticed: list[str]
) -> Outcome:
    lake = night.lake
    decided = lake.read("decisions", [day]).row(0, named=True)
    built = lake.read("training_sets", [day]).row(0, named=True)
    return Outcome(
        day,
        "completed" if intake["days"] else "empty",
        intake,
        views | {"examples": built["examples"]},
        built["version"],
        decided["retrain"],
        tuple(decided["because"]),
        tuple(evidence_of(lake.read("mixture_fits", [day]))),
        verdicts=tuple(lake.read("trust", [day]).to_dicts()),
        noticed=tuple(noticed),
    )


def about_rows(night: Night, day: str) -> list[str]:
    """What is odd about the files, and turns of the window that no person says."""
    aside = bots(night.lake, day, night.window("bots", day))
    reasons = [
        f"{rows:,} for {reason.removeprefix('bots: ')}" for _, reason, rows in aside.iter_rows()
    ]
    told = f"{aside['rows'].sum():,} turns are set aside, for no person speaks so: {', '.join(reasons)}"
    return [*night.odd, told] if reasons else [*night.odd]


def outside(night: Night, day: str, intake: Result) -> list[str]:
    """That turns of the log that was given do not count, for they are older than the window."""
    counted = set(night.window("turns", day))
    older = [d for d in intake["days"] if d not in counted and d <= day]
    if not older:
        return []
    turns = night.lake.scan("turns", older).select(pl.len()).collect().item()
    needed = days_between(older[0], day) + 1
    return [
        f"{turns:,} turns of {older[0]} to {older[-1]} lie outside the window of"
        f" {night.settings.mining.window_days} days and do not count; [mining] window_days = {needed} counts them"
    ]
