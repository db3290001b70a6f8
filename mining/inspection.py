"""What a careful engineer looks at first in a log of somebody else's: what the file is, what its rows have, and what
would mislead. The rows go through the door, as those of a night do."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from mining import broad_intents, sources
from mining.door import CLICK, FIELDS, NOTHING_SAID, REQUIRED, DoorConfig, admit_file
from mining.fallbacks import is_fallback, is_null
from mining.heard import LONGEST, MARK, TAGS
from mining.locales import beside
from mining.paths import reached
from mining.rows import decoded, is_sqlite, kind_of, rows

LOOKED_AT = 100_000  # rows
SHOWN = 3
DEPTH = 4  # of records that are looked into
MOST_OF_ONE = 0.5  # share of turns of one user, from which the id is no user's
TOLD = {
    "user_id": ("user_id", "userId", "user", "uid", "customer_id", "customer", "sender_id", "sender", "client_id", "from"),
    "timestamp": ("timestamp", "time", "ts", "created_at", "createdAt", "datetime", "date", "at", "request_time"),
    "utterance": ("utterance", "text", "query", "message", "content", "input", "transcript", "question", "prompt"),
    "turn_id": ("turn_id", "id", "message_id", "event_id", "request_id"),
    "session_id": ("session_id", "sessionId", "conversation_id", "conversationId", "session", "dialog_id", "thread_id"),
    "locale": ("locale", "language", "lang", "language_code"),
    "intent": ("intent", "intent_name", "label", "predicted_intent"),
    "confidence": ("confidence", "score", "probability"),
    "response": ("response", "answer", "reply", "bot_response", "output"),
}  # fmt: skip
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
BOTS = {"bot", "assistant", "agent", "system", "outgoing", "outbound", "out", "model", "1"}
SAID_OF_FIELDS = (
    "session_id",
    "locale",
    "intent",
    "confidence",
    "n_best",
    "slots",
    "prompted_slot",
    "response",
    "outcome",
    "feedback",
)


@dataclass
class Inspection:
    """What is to be said of a file, warnings apart, and the settings that it asks for."""

    said: list[str]
    warnings: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def inspect(path: Path, config: DoorConfig) -> Inspection:
    """Look at the first LOOKED_AT rows of a file. BadInput where it is no log."""
    source = config.source or sources.written_by(path, config.columns)
    guessed = {} if source else _guessed(path, config.columns)
    settings: dict[str, Any] = {"source": source} if source and not config.source else {}
    if guessed:
        settings["columns"] = guessed
    chosen = replace(config, columns=config.columns | guessed, source=source)
    system = f", records of {source}" if source else ""
    found = Inspection([f"{path.name}: {kind_of(path)}{system}"], settings=settings)
    missing = [n for n in REQUIRED if not source and n not in guessed and not _has(path, chosen, n)]
    if missing:
        found.warnings.append(
            f"no {', no '.join(missing)}: map yours under [log.columns]; the fields are {', '.join(_names(path)[:20])}"
        )
        return found
    looked = _looked_at(path, chosen)
    _say_rows(found, looked)
    turns = looked.filter(pl.col("reason").is_null())
    if turns.height:
        _say_turns(found, turns)
    if not source:
        _warn_of_raw(found, path, chosen)
    return found


def _looked_at(path: Path, config: DoorConfig) -> pl.DataFrame:
    parts: list[pl.DataFrame] = []
    for part in admit_file(path, config):
        parts.append(part)
        if sum(p.height for p in parts) >= LOOKED_AT:
            break
    return pl.concat(parts) if parts else pl.DataFrame({"reason": []}, {"reason": pl.String()})


def _records(path: Path) -> Iterator[dict[str, Any]]:
    return (r for _, raw in rows(path, []) if isinstance(r := decoded(raw), dict))


def _names(path: Path) -> list[str]:
    """The fields of the first records, nested ones as paths."""
    known: dict[str, None] = {}
    for record in islice(_records(path), 50):
        known |= dict.fromkeys(_leaves(record, DEPTH))
    return list(known)


def _leaves(record: dict[str, Any], depth: int) -> Iterator[str]:
    for name, value in record.items():
        if isinstance(value, dict) and depth > 1:
            yield from (f"{name}.{inner}" for inner in _leaves(value, depth - 1))
        elif not isinstance(value, dict | list):
            yield name


def _guessed(path: Path, columns: dict[str, str]) -> dict[str, str]:
    """Of our fields that the log has under a name that people give them: that name."""
    if is_sqlite(path):
        return {}
    names = _names(path)
    taken = set(columns.values()) | (set(names) & set(FIELDS))
    found: dict[str, str] = {}
    for ours, told in TOLD.items():
        if ours in columns or ours in names:
            continue
        theirs = next(
            (n for t in told for n in names if n.rpartition(".")[2] == t and n not in taken), None
        )
        if theirs:
            found[ours] = theirs
            taken.add(theirs)
    return found


def _has(path: Path, config: DoorConfig, name: str) -> bool:
    theirs = config.columns.get(name, name)
    return any(reached(r, theirs) is not None for r in islice(_records(path), 50))


def _say_rows(found: Inspection, looked: pl.DataFrame) -> None:
    first = "the first " if looked.height >= LOOKED_AT else ""
    aside = looked.filter(pl.col("reason").is_not_null())
    kept = looked.height - aside.height
    found.said.append(f"{first}{looked.height:,} rows: {kept:,} turns, {aside.height:,} set aside")
    if aside.height:
        reasons = aside.group_by("field", "reason").len().sort("len", descending=True).head(5)
        for name, reason, count in reasons.iter_rows():
            quiet = reason in (CLICK, NOTHING_SAID)
            (found.said if quiet else found.warnings).append(
                f"{count:,} rows set aside: {name} {reason}"
            )
            if "time zone" in reason:
                found.settings["time_zone"] = "Etc/UTC"
                found.warnings.append("the time zone proposed is a guess: put that of the log")


def _say_turns(found: Inspection, turns: pl.DataFrame) -> None:
    count, users = turns.height, turns["user_id"].n_unique()
    there = turns.select(pl.col(SAID_OF_FIELDS).is_not_null().mean()).row(0, named=True)
    there["session_id"] = turns["session_given"].mean()
    there["locale"] = (turns["locale"] != "und").mean()
    found.said.append(f"{users:,} users; " + ", ".join(f"{n} in {s:.0%}" for n, s in there.items()))
    for row in turns.sort("at_ms").head(SHOWN).iter_rows(named=True):
        found.said.append(
            f"  {row['timestamp']:%Y-%m-%d %H:%M:%S} user {row['user_id'][:6]} ({row['locale']}): {row['utterance'][:60]!r}"
            f" -> {row['intent'] or 'nothing understood'}; answered {(row['response'] or '')[:40]!r}"
        )
    _warn_of_users(found, turns)
    _warn_of_texts(found, turns)
    days = set(turns["timestamp"].dt.date().to_list())
    gaps = _without(days)
    if gaps:
        found.warnings.append(
            f"{len(gaps)} days without a row between the first and the last, such as {gaps[0]}"
        )
    again = count - turns.unique(["user_id", "at_ms", "utterance"]).height
    if again:
        found.warnings.append(
            f"{again:,} rows are delivered again: same user, moment and words; each counts once"
        )
    found.warnings += [broad_intents.told(n) for n in broad_intents.shown(turns)["intent"]]
    found.warnings += beside(turns["locale"].unique().to_list())


def _warn_of_users(found: Inspection, turns: pl.DataFrame) -> None:
    count, users = turns.height, turns["user_id"].n_unique()
    most = turns["user_id"].value_counts()["count"].max()
    if count >= 20 and isinstance(most, int) and most > MOST_OF_ONE * count:
        found.warnings.append(
            f"one user says {most / count:.0%} of all turns: is this id a user's, or a channel's?"
        )
    sessions = (
        turns.filter("session_given").group_by("user_id").agg(pl.col("session_id").n_unique())
    )
    if users >= 20 and sessions.height == users and (sessions["session_id"] == 1).all():
        found.warnings.append(
            "every user has one session only: where ids are made anew each visit, 5 users may be one person, and floors protect less"
        )


def _warn_of_texts(found: Inspection, turns: pl.DataFrame) -> None:
    cut = turns.filter(pl.col("utterance").str.contains(MARK, literal=True)).height
    if cut:
        found.warnings.append(
            f"{cut:,} utterances of over {LONGEST:,} letters are cut in the middle, with a mark"
        )
    nulls = (
        turns["utterance"]
        .value_counts()
        .filter(pl.col("utterance").map_elements(is_null, pl.Boolean))
    )
    if nulls.height:
        found.warnings.append(
            f"{nulls['count'].sum():,} utterances are a null written as text: {nulls['utterance'][0]!r}"
        )


def _warn_of_raw(found: Inspection, path: Path, config: DoorConfig) -> None:
    """What the door mends or leaves out without a word."""
    columns = config.columns
    looked = list(islice(_records(path), 5_000))
    intents = (reached(r, columns.get("intent", "intent")) for r in looked)
    named = {i for i in intents if isinstance(i, str)}
    fallbacks = sorted(n for n in named if n and (is_fallback(n, ()) or is_null(n)))
    if fallbacks:
        found.said.append(f"intents that say nothing was understood: {', '.join(fallbacks)}")
    marked = sum(
        bool(TAGS.search(str(reached(r, columns.get("utterance", "utterance"))))) for r in looked
    )
    if marked:
        found.warnings.append(
            f"{marked:,} of the first {len(looked):,} utterances hold markup; it is taken out"
        )
    for name in () if config.sides else TWO_SIDED:
        values = {str(r[name]).lower() for r in looked if isinstance(r.get(name), str | int)}
        if len(values) > 1 and values & BOTS:
            found.warnings.append(
                f"field {name} has {', '.join(sorted(values)[:4])}: rows of the bot look like a user's; keep users' rows only"
            )


def _without(days: set[date]) -> list[date]:
    first, last = min(days), max(days)
    every = (first + timedelta(days=n) for n in range((last - first).days))
    return [d for d in every if d not in days]
