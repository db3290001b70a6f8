"""What is odd about a log, a line each: what a careful engineer asks before it is believed. The lines are published
with a night: they quote what is of the log, and count no single user.

Notation and constants: docs/method.md, 11.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mining.ingest import sources
from mining.ingest.fallbacks import is_null
from mining.ingest.heard import LONGEST, MARK, TAGS
from mining.ingest.locales import beside
from mining.ingest.paths import reached
from warehouse.blur import quoted

FEWEST = 20  # turns, or users, of which anything is said
MOST_OF_ONE = 0.5  # share of turns of one user, from which the id is no user's
LOOKED_AT = 5_000  # records
DEPTH = 4  # of records that are looked into
NEEDED = (
    "user_id",
    "session_id",
    "session_given",
    "timestamp",
    "at_ms",
    "utterance",
    "locale",
    "slots",
)
TWO_SIDED = (
    "message_type",
    "role",
    "sender_type",
    "direction",
    "speaker",
    "author_type",
    "event",
    "type",
)
USERS = {
    "user",
    "human",
    "customer",
    "client",
    "contact",
    "visitor",
    "incoming",
    "inbound",
    "in",
    "0",
}
BOTS = {"bot", "assistant", "agent", "outgoing", "outbound", "out", "model", "1"}
NUMBERED = ("message_type", "direction")  # fields whose numbers say it
Values = dict[str, list[str | int]]  # as they lie, by how they are compared


def of_turns(turns: pl.DataFrame) -> list[str]:
    """What is odd about turns that came through the door (NEEDED)."""
    locales = turns["locale"].unique().to_list()
    return [*_users(turns), *_texts(turns), *_values(turns), *_days(turns), *beside(locales)]


def of_records(records: list[dict[str, Any]], columns: dict[str, str], *, sides: bool) -> list[str]:
    """What is odd about rows of a log in no system's shape, as they lie; `sides`: whether they are told apart."""
    said = columns.get("utterance", "utterance")
    marked = sum(bool(TAGS.search(str(reached(r, said)))) for r in records)
    found = (
        [f"{marked:,} of the first {len(records):,} utterances hold markup; it is taken out"]
        if marked
        else []
    )
    if not sides and (both := two_sided(records)):
        name, values = both
        some = ", ".join(map(quoted, sorted(values)[:4]))
        found.append(
            f"field {quoted(name)} has {some}: rows of the bot look like a user's; tell them apart by [log.rows]"
        )
    return found


def of_columns(path: Path, source: str | None, columns: dict[str, str]) -> list[str]:
    """Names and paths of the settings that lead to nothing in a file."""
    nowhere = sources.leading_nowhere(path, source, columns, LOOKED_AT)
    return [f"{name}: {quoted(columns[name])} is in none of the first rows" for name in nowhere]


def two_sided(records: list[dict[str, Any]]) -> tuple[str, Values] | None:
    """The field, or path, that seems to tell rows of users from those of the assistant, and its values."""
    every = {path: None for record in records for path in leaves(record, DEPTH)}
    for path in every:
        name = path.rpartition(".")[2]
        held = {v: None for r in records if isinstance(v := reached(r, path), str | int)}
        if name not in TWO_SIDED or (
            name not in NUMBERED and all(isinstance(v, int) for v in held)
        ):
            continue
        values: Values = defaultdict(list)
        for value in held:
            values[str(value).lower()].append(value)
        if len(values) > 1 and values.keys() & BOTS:
            return path, values
    return None


def leaves(record: dict[str, Any], depth: int) -> Iterator[str]:
    """The paths to what a record holds."""
    for name, value in record.items():
        if isinstance(value, dict) and depth > 1:
            yield from (f"{name}.{inner}" for inner in leaves(value, depth - 1))
        elif not isinstance(value, dict | list):
            yield name


def _users(turns: pl.DataFrame) -> list[str]:
    said = turns["user_id"].value_counts()["count"].to_list()
    found = []
    if turns.height >= FEWEST and max(said) > MOST_OF_ONE * turns.height:
        found.append("one id says most of all turns: is it a user's, or a channel's?")
    given = turns.filter("session_given").group_by("user_id")
    sessions = given.agg(pl.col("session_id").n_unique())["session_id"].to_list()
    if len(said) >= FEWEST and len(sessions) == len(said) and max(sessions) == 1:
        found.append(
            "every user has one session only: where ids are made anew each visit, 5 users may be one person, floors protect"
            " less and labels are told worse; where the log has a lasting id, name it: [log.columns] user_id"
        )
    return found


def _texts(turns: pl.DataFrame) -> list[str]:
    found = []
    if cut := turns["utterance"].str.contains(MARK, literal=True).sum():
        found.append(
            f"{cut:,} utterances of over {LONGEST:,} letters are cut in the middle, with a mark"
        )
    counts = turns["utterance"].value_counts().sort("utterance")
    null = counts.filter(pl.col("utterance").map_elements(is_null, pl.Boolean))
    if null.height:
        found.append(
            f"{null['count'].sum():,} utterances are a null written as text: {quoted(null['utterance'][0])}"
        )
    return found


def _values(turns: pl.DataFrame) -> list[str]:
    if turns.height < FEWEST or turns["slots"].is_not_null().any():
        return []
    return [
        "no slot values: names of people cannot be told, and wordings of many are published with them"
    ]


def _days(turns: pl.DataFrame) -> list[str]:
    days = set(turns["timestamp"].dt.date().to_list())
    gaps = _without(days)
    again = turns.height - turns.unique(["user_id", "at_ms", "utterance"]).height
    found = []
    if gaps:
        found.append(
            f"{len(gaps)} days without a row between the first and the last, such as {gaps[0]}"
        )
    if again:
        found.append(
            f"{again:,} rows are delivered again: same user, moment and words; each counts once"
        )
    return found


def _without(days: set[date]) -> list[date]:
    first, last = min(days), max(days)
    every = (first + timedelta(days=n) for n in range((last - first).days))
    return [d for d in every if d not in days]
