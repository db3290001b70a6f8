"""What became of each wording, counted, and where the chains of saying it again lead."""

from flows.pipeline import Reading, Result, step, window
from mining.ingest.heard import whole
from warehouse.tables import (
    Ends,
    Evidence,
    Followed,
    Moves,
    RephraseEvents,
    Robots,
    Turns,
    Utterances,
    Wordings,
)

MOST_ITEMS = 2_000  # wordings for which one user may vote


@step(
    reads=window(Turns, Robots, RephraseEvents),
    writes=(Evidence, Wordings, Utterances, Followed, Ends, Moves),
    settings=("mining.window_days",),
)
def count_wordings(at: Reading) -> Result:
    """Count what became of each wording, and follow the chains."""
    told = at.query("evidence")
    followed = at.query("followed")
    ends = at.query("ends", {"followed": followed})
    asked = {"most_items": MOST_ITEMS, "intents": int(told["intent"].item() > 0)}
    heard = at.query("utterances", {"followed": followed}, asked)
    moves = at.query("moves", {"ends": ends, "followed": followed})
    wordings = at.query("speakers").filter(whole("utterance"))
    at.put(Evidence, told)
    at.put(Utterances, heard.sort("locale", "utterance", "intent"))
    at.put(Followed, followed.sort("source_turn_id"))
    at.put(Ends, ends.sort("turn_id"))
    at.put(Moves, moves.filter(whole("source", "target")).sort("locale", "source", "target"))
    return {"wordings": at.put(Wordings, wordings.sort("locale", "utterance"))}
