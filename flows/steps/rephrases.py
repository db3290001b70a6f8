"""What is said again: every pair of the window gets its probability."""

import polars as pl

from flows.pipeline import Reading, Result, step, window
from mining.rephrases import scoring, slot_answers
from mining.rephrases.log import LogArrays
from mining.sessions.shape import changed
from warehouse.tables import Bots, MixtureFits, Pairs, RephraseEvents, SlotAnswers, Turns


@step(
    reads=window(Turns, Bots, Pairs),
    writes=(RephraseEvents, MixtureFits, SlotAnswers),
    settings=("mining.window_days",),
)
def score_pairs(at: Reading) -> Result:
    """Give every pair of the window its probability, told relative to the window."""
    days = at.days(Pairs)
    turns = at.query("context")
    log = LogArrays.of(turns)
    scored = scoring.score(at.lake.by_day("pairs", days), log)
    at.put_days(RephraseEvents, days, scored.events)
    at.put(MixtureFits, scored.fits)
    at.put(SlotAnswers, slot_answers.answering(log))
    return {
        "events": scored.events.height,
        "evidence": evidence_of(scored.fits),
        "shape": changed(turns, scored.events),
    }


def evidence_of(fits: pl.DataFrame) -> list[str]:
    """What the log had to tell a rephrase from a change of mind."""
    return fits["evidence"].to_list()[0] if fits.height else []
