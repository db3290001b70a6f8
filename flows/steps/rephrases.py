"""What is said again: every pair of the window gets its probability."""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from flows.pipeline import Daily, Reading, Result, own, step, tonight, window
from mining.rephrases import scoring, slot_answers
from mining.rephrases.log import LogArrays
from mining.sessions.blocks import blocks
from mining.sessions.bots import people
from mining.sessions.shape import changed
from warehouse.tables import (
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
        *tonight(NightPlans),
        *own(RephraseEvents, SlotAnswers),
    ),
    writes=(RephraseEvents, MixtureFits, SlotAnswers),
    settings=("mining.window_days",),
)
def score_pairs(at: Reading) -> Result:
    """Give the pairs of the window that have none their probability, told relative to the log."""
    days = at.days(Turns)
    wanted = _wanted(at, days)
    scored, answers = [], [_answers_elsewhere(at, wanted)]
    for block in blocks(at.lake.heights("turns", days), wanted):
        log = LogArrays.of(context(at, block.read))
        found = scoring.score(at.lake.by_day("pairs", block.read), log, block.days)
        scored.append(found.events)
        answers.append(slot_answers.answering(log).filter(pl.col("day").is_in(block.days)))
    at.put_daily(EVENTS, *_with_success(at, wanted, pl.concat(scored)))
    events = at.lake.scan("rephrase_events", days).select("locale", "p_rephrase").collect()
    at.put(MixtureFits, scoring.fits(events, found.evidence))
    at.put(SlotAnswers, pl.concat(answers).sort("turn_id"))
    return {
        "events": events.height,
        "evidence": found.evidence,
        "shape": changed(log.turns, at.lake.read("rephrase_events", block.read)),
    }


def context(at: Reading, days: Iterable[str]) -> pl.DataFrame:
    """The turns of people on these days, as the SQL file `context` has them."""
    return at.query("context", people(at.lake, set(days)))


def _wanted(at: Reading, days: list[str]) -> list[str]:
    """The days whose pairs are scored: all on a full night, else those that are new or have changed, and the newest."""
    if at.full or not at.lake.days("slot_answers"):
        return days
    standing = at.standing(EVENTS, days)
    return [d for d in days if d not in standing or d == days[-1]]


def _with_success(
    at: Reading, wanted: list[str], scored: pl.DataFrame
) -> tuple[list[str], pl.DataFrame]:
    """The days whose events are left, and these: of the wanted days, and of the day before each, whose turns may be said
    again on it."""
    before = {(date.fromisoformat(d) - timedelta(days=1)).isoformat() for d in wanted}
    there = set(at.lake.days("rephrase_events"))
    kept = sorted((before & there & set(at.days(Pairs))) - set(wanted))
    after = {(date.fromisoformat(d) + timedelta(days=1)).isoformat() for d in (*wanted, *kept)}
    later = sorted((after & there & set(at.days(Pairs))) - {*wanted, *kept})
    known = at.lake.by_day("rephrase_events", [*kept, *later])
    told = at.lake.by_day("pairs", kept).select(
        "source_turn_id", "target_turn_id", "target_outcome"
    )
    earlier = known.join(told, on=["source_turn_id", "target_turn_id"], how="left")
    both = pl.concat([scored, earlier.select(scored.columns).cast(scored.schema)])
    touched = [*wanted, *kept]
    return touched, scoring.with_success(both).filter(pl.col("day").is_in(touched))


def _answers_elsewhere(at: Reading, wanted: list[str]) -> pl.DataFrame:
    """Slot answers on days that were not looked at."""
    window = [d for d in at.days(Turns) if d not in wanted]
    known = at.lake.days("slot_answers")
    newest = [d for d in known if d <= at.day][-1:]
    return at.lake.read("slot_answers", newest).filter(pl.col("day").is_in(window))


def evidence_of(fits: pl.DataFrame) -> list[str]:
    """What the log had to tell a rephrase from a change of mind."""
    return fits["evidence"].to_list()[0] if fits.height else []
