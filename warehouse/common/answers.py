"""What a model was asked and what it answered, so that it is asked once: a file of SQLite.

A request is written down before it is sent. Killed between the two, it is spent, and is not sent again that night.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

TABLE = (
    "CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, content TEXT, night TEXT, answered INTEGER,"
    " label TEXT, tokens INTEGER) WITHOUT ROWID"
)


@dataclass(frozen=True)
class Answers:
    """The answers in the file at `place`. A question and a text (its content) are known by their hashes alone."""

    place: Path

    def known(self) -> dict[str, str | None]:
        """The label of each question that was answered; none where the answer named none."""
        with self._open() as kept:
            query = "SELECT question, label FROM answers WHERE answered"
            return dict(kept.execute(query).fetchall())

    def spent(self, night: str) -> tuple[int, int]:
        """Requests sent and tokens used in a night."""
        query = "SELECT count(*), coalesce(sum(tokens), 0) FROM answers WHERE night = ?"
        with self._open() as kept:
            requests, tokens = kept.execute(query, (night,)).fetchone()
            return int(requests), int(tokens)

    def sent(self, night: str) -> set[str]:
        """The questions of a night."""
        with self._open() as kept:
            query = "SELECT question FROM answers WHERE night = ?"
            return {row[0] for row in kept.execute(query, (night,))}

    def begin(self, question: str, content: str, night: str) -> None:
        """Write down that it is being asked."""
        with self._open() as kept:
            row = (question, content, night, 0, None, 0)
            kept.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)

    def end(self, question: str, label: str | None, tokens: int) -> None:
        """Write down what was answered."""
        with self._open() as kept:
            change = "UPDATE answers SET answered = 1, label = ?, tokens = ? WHERE question = ?"
            kept.execute(change, (label, tokens, question))

    def retain(self, contents: set[str]) -> None:
        """Erase what was asked of all texts but these; a damaged file whole."""
        if not self.place.is_file():
            return
        try:
            with self._open() as kept:
                kept.execute("PRAGMA secure_delete = ON")
                held = {row[0] for row in kept.execute("SELECT content FROM answers")}
                gone = [(content,) for content in held - contents]
                kept.executemany("DELETE FROM answers WHERE content = ?", gone)
        except sqlite3.DatabaseError:
            self.place.unlink()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.place)) as kept, kept:
            kept.execute(TABLE)
            yield kept
