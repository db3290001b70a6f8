"""Plain chat logs: a conversation a record, its messages under `messages`, `conversation` or `conversations`.

Left without: intents, `confidence`, `n_best`, `slots`, `outcome`, `interrupted`, `arm`. Where messages have no time,
a conversation needs one, and its turns follow in steps of a second: their silences say nothing.

Notation and constants: docs/method.md, 11.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mining.ingest.sources.parts import joined, spoken_by
from mining.ingest.times import moment

Record = dict[str, Any]
LISTS = ("messages", "conversation", "conversations")
IDS = ("conversation_hash", "conversation_id", "id", "session_id")
TIMES = ("timestamp", "created_at", "created", "create_time", "time")
USERS = ("user_id", "user", "hashed_ip")
FEEDBACK = {"like": 1, "dislike": -1, "thumbs_up": 1, "thumbs_down": -1}


def recognizes(record: Record) -> bool:
    messages = _messages(record)
    return bool(messages) and all("role" in m or "from" in m for m in messages)


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    for number, record in records:
        yield from _conversation(number, record)


def _conversation(number: int, record: Record) -> Iterator[tuple[int, Record, Record]]:
    messages = [_plain(m) for m in _messages(record)]
    named = next((str(record[k]) for k in IDS if record.get(k)), None)
    begun = _first(record, TIMES)
    for at, message in enumerate(messages):
        if message["role"] != "user":
            continue
        answers = []
        for after in messages[at + 1 :]:
            if after["role"] == "user":
                break
            answers.append(after)
        said = next((_first(m, TIMES) for m in [message, *answers] if _first(m, TIMES)), None)
        session = named or _digest(messages)
        yield (
            number,
            {
                "turn_id": f"{session}/{at}",
                "user_id": _first(message, USERS) or _first(record, USERS) or session,
                "session_id": session,
                "timestamp": said if said is not None else _after(begun, at),
                "utterance": spoken_by(message) or "",
                "response": joined(spoken_by(a) for a in answers if a["role"] == "assistant"),
                "feedback": next((FEEDBACK[str(a["feedback"])] for a in answers if str(a.get("feedback")) in FEEDBACK), None),
                "model_version": record.get("model"),
            },
            record,
        )  # fmt: skip


def _messages(record: Record) -> list[Record]:
    found: list[Any] = next((record[k] for k in LISTS if isinstance(record.get(k), list)), [])
    return [m for m in found if isinstance(m, dict)]


def _plain(message: Record) -> Record:
    role = message.get("role") or message.get("from")
    role = {"human": "user", "gpt": "assistant", "bot": "assistant"}.get(str(role), role)
    return message | {"role": role, "content": message.get("content") or message.get("value")}


def _after(begun: Any, steps: int) -> Any:
    try:
        return moment(begun, None) + timedelta(seconds=steps)
    except ValueError:
        return begun


def _first(record: Record, keys: tuple[str, ...]) -> Any:
    return next((record[k] for k in keys if record.get(k)), None)


def _digest(messages: list[Record]) -> str:
    said = "\0".join(spoken_by(m) or "" for m in messages)
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()
