"""Vectors kept by text, so that no encoder is asked for the same one twice: a file of SQLite for each encoder.

A text is known by its hash alone. What is embedded is kept at once, so that a run that was killed goes on.

Notation and constants: docs/method.md, 4.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from warehouse.common.digests import digest
from warehouse.encoders.encoder import Encoder, EncoderConfig, Vectors, encoder, unit
from warehouse.errors import BadInput

_T = TypeVar("_T")

AT_ONCE = 2_048  # wordings, after which what was embedded is kept
ASKED = 10_000  # keys of a query; SQLite takes 32,766
PROBES = ["what is the weather tomorrow", "12:30", "wie spät ist es", "音楽をかけて"]
SAME = (
    0.999  # cosine of a probe with itself; half precision leaves .9999, another model less than .9
)
TABLES = (
    "CREATE TABLE IF NOT EXISTS vectors (content TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS probes (content TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID",
)


@dataclass(eq=False)
class Kept:
    """The vectors of an encoder, those of `folder` where they are there; `made` counts the others, which are kept unless
    they must leave no trace."""

    asked: Encoder
    folder: Path
    trace: bool = True
    made: int = field(default=0, init=False)
    width: int = field(default=0, init=False)  # of the probes, once they were asked for

    @property
    def version(self) -> str:
        return self.asked.version

    @property
    def size(self) -> int:
        return self.asked.size

    @property
    def place(self) -> Path:
        return self.folder / f"{self.version}.sqlite"

    def embed(self, wordings: list[str]) -> Vectors:
        """wordings x dimensions, unit length, in half precision."""
        if not wordings:
            return self.asked.embed([])
        if not self.trace and not self.place.is_file():
            return self.asked.embed(wordings)
        self.folder.mkdir(parents=True, exist_ok=True)
        keys = [digest(u) for u in wordings]
        try:
            with closing(sqlite3.connect(self.place)) as kept:
                for table in TABLES:
                    kept.execute(table)
                known = dict(_known(kept, "vectors", set(keys)))
                missing = {k: u for k, u in zip(keys, wordings, strict=True) if k not in known}
                for part in _batches(sorted(missing.items()), AT_ONCE):
                    known |= self._made(kept, dict(part))
        except sqlite3.Error as error:
            raise BadInput(
                f"{self.place}: cannot be read ({error}); delete it, and vectors are made anew"
            ) from None
        return unit(np.stack([known[k] for k in keys]))

    def _made(self, kept: sqlite3.Connection, part: dict[str, str]) -> dict[str, Vectors]:
        self._probe(kept)
        found = self.asked.embed(list(part.values()))
        self.made += len(found)
        if found.shape[1] != self.width:
            raise BadInput(
                f"mining.encoder: vectors are {found.shape[1]} wide, those kept in {self.place} {self.width}; say"
                ' encoder.revision = "..." to begin anew'
            )
        rows = dict(zip(part, found.astype(np.float16), strict=True))
        if self.trace:
            _keep(kept, "vectors", rows)
        return rows

    def _probe(self, kept: sqlite3.Connection) -> None:
        """Notice another model behind the same name, before its vectors come among the others."""
        if self.width:
            return
        now = self.asked.embed(PROBES)
        keys = [digest(text) for text in PROBES]
        before = dict(_known(kept, "probes", set(keys)))
        if not before and self.trace:
            _keep(kept, "probes", dict(zip(keys, now.astype(np.float16), strict=True)))
        elif before and not _same(now, [before.get(k) for k in keys]):
            raise BadInput(
                f"mining.encoder: another model answers than the one whose vectors are kept in {self.place};"
                ' bring that one back, or say encoder.revision = "..." to begin anew with this one'
            )
        self.width = now.shape[1]


def encoder_of(config: EncoderConfig, folder: Path, *, trace: bool) -> Kept:
    """The encoder that is named, its vectors kept in the folder."""
    return Kept(encoder(config), folder, trace)


def retain(folder: Path, contents: set[str]) -> None:
    """Erase the vectors of all texts but these, which are known by their hashes; a damaged file whole."""
    for place in folder.glob("*.sqlite"):
        try:
            with closing(sqlite3.connect(place)) as kept, kept:
                kept.execute("PRAGMA secure_delete = ON")
                held = {row[0] for row in kept.execute("SELECT content FROM vectors")}
                gone = [(content,) for content in held - contents]
                kept.executemany("DELETE FROM vectors WHERE content = ?", gone)
        except sqlite3.DatabaseError:
            place.unlink()


def _batches(rows: list[_T], most: int) -> Iterator[list[_T]]:
    return (rows[at : at + most] for at in range(0, len(rows), most))


def _same(now: Vectors, before: list[Vectors | None]) -> bool:
    return all(
        b is not None and len(b) == len(a) and float(a @ unit(b[None])[0]) >= SAME
        for a, b in zip(now, before, strict=True)
    )


def _known(
    kept: sqlite3.Connection, table: str, keys: Iterable[str]
) -> Iterator[tuple[str, Vectors]]:
    for some in _batches(sorted(keys), ASKED):
        marks = ",".join("?" * len(some))
        query = f"SELECT content, vector FROM {table} WHERE content IN ({marks})"
        for content, vector in kept.execute(query, some):
            yield content, np.frombuffer(vector, np.float16)


def _keep(kept: sqlite3.Connection, table: str, rows: dict[str, Vectors]) -> None:
    with kept:
        kept.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",
            [(content, vector.tobytes()) for content, vector in rows.items()],
        )
