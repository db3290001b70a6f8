"""Logs as systems write them: a reader a system, from its records to rows of the contract. The door stays the
only judge.

A reader is a module with `recognizes(record)`, whether a record is of this system, and `turns(records)`, which
yields for each turn of a user (row number, row, record). Records come in the order of the file.

Notation and constants: docs/method.md, 11.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from mining.ingest.paths import reached
from mining.ingest.rows import Broken, Raw, decoded, is_sqlite, rows
from mining.ingest.sources import (
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
UNLIKE = (
    TypeError,
    ValueError,
    AttributeError,
    KeyError,
    IndexError,
    OverflowError,
)  # a record of another shape
STORES = {"events", "conversation_event"}  # tables of Rasa's tracker stores
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
        return "rasa" if _tables(path) & STORES else None
    records = [r for _, r in islice(_records(path), LOOKED_AT) if isinstance(r, dict)]
    names = (n for n, reader in READERS.items() if any(_recognized(reader, r) for r in records))
    return next(names, None)


def _recognized(reader: ModuleType, record: Record) -> bool:
    try:
        return bool(reader.recognizes(record))
    except UNLIKE:
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
    try:
        for number, row, record in read(whole(_records_of(path))):
            named = {ours: reached(record, theirs) for ours, theirs in columns.items()}
            yield number, row | {k: v for k, v in named.items() if v is not None}
    except UNLIKE as error:
        raise BadInput(
            f"{path}: holds a record of another shape than those of {source} ({error});"
            " mend or remove it, or read the log by [log.columns]"
        ) from None
    yield from broken


def leading_nowhere(
    path: Path, source: str | None, columns: dict[str, str], most: int
) -> list[str]:
    """Our names of the `columns` that the first records of a file, `most` of them, have nothing at."""
    if not columns:
        return []
    first = islice(_records_of(path), most)  # some readers gather all that they are given
    whole = ((n, r) for n, r in first if isinstance(r, dict))
    read = ((n, r) for n, _, r in READERS[source].turns(whole)) if source else whole
    sought = set(columns)
    try:
        for _, record in read:
            sought -= {ours for ours in sought if reached(record, columns[ours]) is not None}
    except UNLIKE:
        return []  # the door says what is wrong
    return sorted(sought)


def _records_of(path: Path) -> Iterator[tuple[int, Record | Broken]]:
    return _of_sqlite(path) if is_sqlite(path) else _records(path)


def _records(path: Path) -> Iterator[tuple[int, Record | Broken]]:
    return ((number, decoded(raw)) for number, raw in rows(path, []))


def _tables(path: Path) -> set[str]:
    with _opened(path) as base:
        return {name for (name,) in base.execute("select name from sqlite_master")}


def _of_sqlite(path: Path) -> Iterator[tuple[int, Record | Broken]]:
    """The events of a Rasa tracker store, what its write-ahead log holds included."""
    tables = _tables(path)
    if not tables & STORES:
        raise BadInput(
            f"{path}: has no table of events, as a tracker store of Rasa's has; is its write-ahead log,"
            f" {path.name}-wal, missing beside it?"
        )
    table = "events" if "events" in tables else "conversation_event"
    sender = "sender_id" if table == "events" else "conversation_id"
    with _opened(path) as base:
        asked = f"select id, {sender}, data from {table} order by timestamp, id"
        for number, user, data in base.execute(asked):
            try:
                yield number, {"sender_id": user, **json.loads(data)}
            except (ValueError, TypeError):
                yield number, Broken("holds an event that is not JSON")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, to be read. One that nobody has open is copied with its write-ahead log: SQLite would leave a
    file beside it, and could not where the folder may not be written."""
    ahead, shared = (path.with_name(f"{path.name}-{ending}") for ending in ("wal", "shm"))
    with ExitStack() as leaving:
        place = path.resolve()
        if ahead.is_file() and not shared.exists():
            place = Path(leaving.enter_context(TemporaryDirectory(prefix="sayagain-"))) / "store.db"
            shutil.copyfile(path, place)
            shutil.copyfile(ahead, place.with_name(f"{place.name}-wal"))
        try:
            base = sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)
            leaving.callback(base.close)
            yield base
        except (sqlite3.Error, OSError) as error:
            raise BadInput(f"{path}: cannot be read ({error}); mend or remove the file") from None
