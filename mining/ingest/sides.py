"""Logs that hold the rows of both sides: those of users are told from those of the assistant by a field, and an answer
joins the turn before it in its session."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mining.ingest.paths import reached
from mining.ingest.rows import Broken, Raw, decoded

Record = dict[str, Any]


@dataclass(frozen=True)
class Sides:
    """The values of `field` on rows of users, and on those of the assistant; other rows are neither's."""

    field: str
    user: frozenset[str]
    answer: frozenset[str] = frozenset()


def users_only(
    raw: Iterator[tuple[int, Raw]], sides: Sides, columns: dict[str, str]
) -> Iterator[tuple[int, Raw]]:
    """The rows of users, each with what the assistant said before the session's next as its response."""
    said, response, session, user = (
        columns.get(n, n) for n in ("utterance", "response", "session_id", "user_id")
    )
    waiting: dict[str, tuple[int, Record]] = {}
    for number, row in raw:
        read = decoded(row)
        if isinstance(read, Broken):
            yield number, read
            continue
        named = (reached(read, name) for name in (session, user))
        talk = str(next((name for name in named if name is not None), None))
        side = str(reached(read, sides.field))
        if side in sides.user:
            if talk in waiting:
                yield waiting[talk]
            waiting[talk] = (number, read)
        elif side in sides.answer and talk in waiting:
            turn = waiting[talk][1]
            told = [turn.get(response), reached(read, said)]
            turn[response] = " ".join(t for t in told if isinstance(t, str) and t) or None
    yield from waiting.values()
