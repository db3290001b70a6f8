"""Logs as systems write them: a reader a system, from its records to rows of the contract. The door stays the
only judge.

A reader is a module with `recognizes(record)`, whether a record is of this system, and `turns(records)`, which
yields for each turn of a user (row number, row, record). Records come in the order of the file.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from mining.paths import reached
from mining.rows import Broken, Raw, decoded, is_sqlite, rows
from mining.sources import (
    botframework,
    chat,
    dialogflow_cx,
    dialogflow_es,
    home_assistant,
    langfuse,
    lex,
    otel,
    rasa,
    ubi,
)
from warehouse.errors import BadInput

Record = dict[str, Any]
Turn = tuple[int, Record, Record]  # row number, row of the contract, record
READERS: dict[str, ModuleType] = {
    "rasa": rasa,
    "lex": lex,
    "dialogflow-cx": dialogflow_cx,
    "dialogflow-es": dialogflow_es,
    "botframework": botframework,
    "home-assistant": home_assistant,
    "ubi": ubi,
    "langfuse": langfuse,
    "otel": otel,
    "chat": chat,
}
LOOKED_AT = 20  # records, to find out whose they are


def written_by(path: Path, columns: dict[str, str]) -> str | None:
    """The system that wrote a file without the utterances of the contract, or of `columns`, where it is plain."""
    if not is_sqlite(path):
        said = columns.get("utterance", "utterance")
        few = [r for _, r in islice(_records(path), LOOKED_AT) if isinstance(r, dict)]
        if not few or any(reached(r, said) is not None for r in few):
            return None
    return source_of(path)


def source_of(path: Path) -> str | None:
    """The system whose records a file holds, where that is plain."""
    if is_sqlite(path):
        return "rasa" if _tables(path) & {"events", "conversation_event"} else None
    records = [r for _, r in islice(_records(path), LOOKED_AT) if isinstance(r, dict)]
    names = (n for n, reader in READERS.items() if any(_recognized(reader, r) for r in records))
    return next(names, None)


def _recognized(reader: ModuleType, record: Record) -> bool:
    try:
        return bool(reader.recognizes(record))
    except (TypeError, ValueError, AttributeError, KeyError, IndexError):
        return False  # a part of it has another shape


def turns(path: Path, source: str, columns: dict[str, str]) -> Iterator[tuple[int, Raw]]:
    """(row number, row of the contract) of a file of a system. `columns`, paths into the system's records by our
    names, come before what its reader makes of them."""
    broken: list[tuple[int, Raw]] = []

    def whole(records: Iterator[tuple[int, Record | Broken]]) -> Iterator[tuple[int, Record]]:
        for number, read in records:
            if isinstance(read, dict):
                yield number, read
            else:
                broken.append((number, read))

    read: Callable[[Iterator[tuple[int, Record]]], Iterator[Turn]] = READERS[source].turns
    found = _of_sqlite(path) if is_sqlite(path) else _records(path)
    try:
        for number, row, record in read(whole(found)):
            named = {ours: reached(record, theirs) for ours, theirs in columns.items()}
            yield number, row | {k: v for k, v in named.items() if v is not None}
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise BadInput(
            f"{path}: holds a record of another shape than those of {source} ({error});"
            " mend or remove it, or read the log by [log.columns]"
        ) from None
    yield from broken


def _records(path: Path) -> Iterator[tuple[int, Record | Broken]]:
    return ((number, decoded(raw)) for number, raw in rows(path, []))


def _tables(path: Path) -> set[str]:
    with closing(_connected(path)) as base:
        return {name for (name,) in base.execute("select name from sqlite_master")}


def _of_sqlite(path: Path) -> Iterator[tuple[int, Record | Broken]]:
    """The events of a Rasa tracker store, what its write-ahead log holds included."""
    table = "events" if "events" in _tables(path) else "conversation_event"
    sender = "sender_id" if table == "events" else "conversation_id"
    try:
        with closing(_connected(path)) as base:
            asked = f"select id, {sender}, data from {table} order by timestamp, id"
            for number, user, data in base.execute(asked):
                try:
                    yield number, {"sender_id": user, **json.loads(data)}
                except (ValueError, TypeError):
                    yield number, Broken("holds an event that is not JSON")
    except sqlite3.Error as error:
        raise BadInput(f"{path}: cannot be read ({error}); mend or remove the file") from None


def _connected(path: Path) -> sqlite3.Connection:
    try:
        base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        base.execute("select 1 from sqlite_master")
    except sqlite3.Error as error:
        raise BadInput(f"{path}: cannot be read ({error}); mend or remove the file") from None
    return base
