"""What became of each wording, counted, and where the chains of saying it again lead."""

import polars as pl

from flows.pipeline import Reading, Result, step, window
from mining.ingest.heard import whole
from warehouse.tables import (
    BestRephrases,
    Bots,
    ChainEnds,
    FieldCounts,
    HypothesisStats,
    RephraseEvents,
    Transitions,
    Turns,
    UtteranceStats,
)

KEY = ["locale", "utterance"]
MOST_ITEMS = 2_000  # wordings for which one user may vote


@step(
    reads=window(Turns, Bots, RephraseEvents),
    writes=(FieldCounts, UtteranceStats, HypothesisStats, BestRephrases, ChainEnds, Transitions),
    settings=("mining.window_days",),
)
def count_utterances(at: Reading) -> Result:
    """Count what became of each wording, and follow the chains."""
    told = at.query("field_counts")
    followed = at.query("best_rephrases")
    ends = at.query("chain_ends", {"best_rephrases": followed})
    heard = at.query("hypothesis_stats", {"best_rephrases": followed}, told_of(told))
    moves = at.query("transitions", {"chain_ends": ends, "best_rephrases": followed})
    wordings = at.query("utterance_stats").filter(whole("utterance"))
    at.put(FieldCounts, told)
    at.put(HypothesisStats, heard.sort("locale", "utterance", "intent"))
    at.put(BestRephrases, followed.sort("source_turn_id"))
    at.put(ChainEnds, ends.sort("turn_id"))
    at.put(Transitions, moves.filter(whole("source", "target")).sort("locale", "source", "target"))
    return {"wordings": at.put(UtteranceStats, wordings.sort("locale", "utterance"))}


def told_of(fields: pl.DataFrame) -> dict[str, int]:
    """What the SQL file `hypothesis_stats` asks of a log whose fields were counted so."""
    return {"most_items": MOST_ITEMS, "intents": int(fields["intent"].item() > 0)}


def wished(wordings: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The wordings without those that are mostly said in answer to a question."""
    return wordings.join(mostly_answers(wordings, answers), on=KEY, how="anti")


def mostly_answers(wordings: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance` of the wordings that are mostly said in answer to a question."""
    often = answers.group_by(KEY).agg(answers=pl.len())
    asked = wordings.join(often, on=KEY).filter(pl.col("answers") * 2 >= pl.col("turns"))
    return asked.select(KEY)
