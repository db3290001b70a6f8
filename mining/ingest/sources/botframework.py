"""Microsoft Bot Framework: transcripts, arrays of activities.

Left without: `slots`, `arm`. A button that sends the text on it looks typed.

Notation and constants: docs/method.md, 11.
"""

from collections.abc import Iterator
from typing import Any

from mining.ingest.fallbacks import is_fallback
from mining.ingest.sources.parts import at, joined

Record = dict[str, Any]
ENDS = {"completedSuccessfully": "success", "userCancelled": "failure", "botTimedOut": "failure"}
REACTIONS = {"like": 1, "dislike": -1}


def recognizes(record: Record) -> bool:
    return isinstance(record.get("type"), str) and at(record, "conversation", "id") is not None


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    open_turns: dict[str, tuple[int, Record, Record]] = {}
    users: dict[str, str] = {}
    for number, record in records:
        conversation = str(at(record, "conversation", "id"))
        sender = str(at(record, "from", "id"))
        before = open_turns.get(conversation)
        if record.get("type") == "message" and _of_user(record, users.get(conversation, sender)):
            users.setdefault(conversation, sender)
            if before:
                yield before
            open_turns[conversation] = (number, _turn(record, conversation), record)
        elif before:
            _happened(before[1], record)
    yield from open_turns.values()


def _of_user(record: Record, user: str) -> bool:
    role = at(record, "from", "role")
    return role == "user" if role else str(at(record, "from", "id")) == user


def _turn(record: Record, conversation: str) -> Record:
    return {
        "turn_id": record.get("id"),
        "user_id": at(record, "from", "id"),
        "session_id": conversation,
        "timestamp": record.get("timestamp") or record.get("localTimestamp"),
        "locale": record.get("locale"),
        "utterance": record.get("text") or "",
        "channel": record.get("channelId"),
    }


def _happened(row: Record, record: Record) -> None:
    """An activity after the turn: its recognition, an answer, a reaction, the end."""
    read = at(record, "value", "recognizerResult")
    if record.get("type") == "trace" and isinstance(read, dict):
        scores = {k: at(v, "score") for k, v in (read.get("intents") or {}).items()}
        ranked = sorted(scores, key=lambda n: -float(scores[n] or 0))
        row["n_best"] = [{"intent": n, "confidence": scores[n]} for n in ranked]
        if ranked and not is_fallback(ranked[0], ()):
            row["intent"], row["confidence"] = ranked[0], scores[ranked[0]]
        altered = read.get("alteredText")
        row["executed_utterance"] = altered if altered != row["utterance"] else None
    elif record.get("type") == "message":
        row["response"] = joined([row.get("response"), record.get("text")])
    elif record.get("type") == "messageReaction":
        kinds = [at(r, "type") for r in record.get("reactionsAdded") or ()]
        row["feedback"] = next((REACTIONS[k] for k in kinds if k in REACTIONS), None)
    elif record.get("type") == "endOfConversation":
        row["outcome"] = ENDS.get(str(record.get("code")))
