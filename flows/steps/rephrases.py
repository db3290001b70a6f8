"""What is said again: every pair of the window gets its probability."""

from collections.abc import Mapping

import polars as pl

from flows.pipeline import Daily, Reading, Result, own, step, tonight, window
from flows.steps.audits import scaling
from mining.rephrases import scoring
from mining.sessions.block_files import BlockFiles
from mining.sessions.blocks import blocks
from warehouse.common.platt import PlattScaling
from warehouse.lake import shifted
from warehouse.tables import (
    Audits,
    Bots,
    MixtureFits,
    NightPlans,
    Pairs,
    RephraseEvents,
    SlotAnswers,
    Turns,
)

EVENTS = Daily(RephraseEvents, before=1, after=0)


@step(
    reads=(
        *window(Turns, Bots, Pairs),
        *tonight(NightPlans, Audits),
        *own(RephraseEvents, SlotAnswers),
    ),
    writes=(RephraseEvents, MixtureFits, SlotAnswers),
    settings=("mining.window_days",),
)
def score_pairs(at: Reading) -> Result:
    """Give the pairs of the window that have none their probability, told relative to the log."""
    days = at.days(Turns)
    wanted = _wanted(at, days)
    scored = at.block_files(
        blocks(at.lake.heights("turns", days), wanted), Turns, Bots, Pairs, RephraseEvents
    )
    at.engine.each(scoring.score_block, scored)
    _put_events(at, wanted, scored)
    answers = [_answers_elsewhere(at, wanted), *(job.left("answers").collect() for job in scored)]
    at.put(SlotAnswers, pl.concat(answers).sort("turn_id"))
    told = scored[-1].left("told").collect().row(0, named=True)
    events = at.lake.scan("rephrase_events", days).select("locale", "p_rephrase").collect()
    at.put(MixtureFits, scoring.fits(events, told["evidence"]))
    return {"events": events.height} | told


def _wanted(at: Reading, days: list[str]) -> list[str]:
    """The days whose pairs are scored: all on a full night, else those that are new or have changed, and the newest."""
    if at.full or not at.lake.days("slot_answers"):
        return days
    standing = at.standing(EVENTS, days)
    return [d for d in days if d not in standing or d == days[-1]]


def _put_events(at: Reading, wanted: list[str], scored: list[BlockFiles]) -> None:
    """Leave the events of the wanted days, and those of the day before each, whose turns may be said again on it; a day
    at a time."""
    fresh = {day: job for job in scored for day in job.block.days}
    window = {d for d in at.lake.days("rephrase_events") if d in at.days(Pairs)}
    before = {shifted(d, -1) for d in wanted} & window
    for day in sorted({*wanted, *before}):
        mine, later = (_events_of(at, d, fresh) for d in (day, shifted(day, 1)))
        both = scoring.with_success(pl.concat([mine, later]))
        at.put_daily(EVENTS, day, both.filter(pl.col("day") == day))


def _events_of(at: Reading, day: str, fresh: Mapping[str, BlockFiles]) -> pl.DataFrame:
    """The events of a day with their `target_outcome`, as they were scored now, or before."""
    if day in fresh:
        events = fresh[day].left("events").filter(pl.col("day") == day).collect()
        return _as_audited(events, scaling(at, "pairs"))
    if day not in at.days(Pairs) or day not in at.lake.days("rephrase_events"):
        return scoring.NOTHING
    key = ["source_turn_id", "target_turn_id"]
    outcomes = at.lake.scan("pairs", [day]).select(*key, "target_outcome").collect()
    known = at.lake.by_day("rephrase_events", [day]).join(outcomes, on=key, how="left")
    return known.select(scoring.NOTHING.columns).cast(scoring.NOTHING.schema)


def _as_audited(events: pl.DataFrame, scaling: PlattScaling) -> pl.DataFrame:
    """Events as an audit says that their beliefs are bent."""
    if scaling == PlattScaling():
        return events
    bent = scaling(events["p_rephrase"].to_numpy())
    return events.with_columns(p_rephrase=scoring.at_most_one(events["target_turn_id"], bent))


def _answers_elsewhere(at: Reading, wanted: list[str]) -> pl.DataFrame:
    """Slot answers on days that were not looked at."""
    window = [d for d in at.days(Turns) if d not in wanted]
    known = at.lake.days("slot_answers")
    newest = [d for d in known if d <= at.day][-1:]
    return at.lake.read("slot_answers", newest).filter(pl.col("day").is_in(window))


def evidence_of(fits: pl.DataFrame) -> list[str]:
    """What the log had to tell a rephrase from a change of mind."""
    return fits["evidence"].to_list()[0] if fits.height else []
