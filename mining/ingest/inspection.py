"""What a careful engineer looks at first in a log of somebody else's: what the file is, what its rows have, and what
would mislead. The rows go through the door, as those of a night do.

Notation and constants: docs/method.md, 11.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from mining.ingest import broad_intents, oddities, sources
from mining.ingest.fallbacks import is_fallback, is_null
from mining.ingest.paths import reached
from mining.ingest.rows import decoded, is_sqlite, kind_of, rows
from mining.ingest.validation import CLICK, FIELDS, NOTHING_SAID, REQUIRED, DoorConfig, admit_file

LOOKED_AT = 100_000  # rows
SHOWN = 3
TOLD = {
    "user_id": ("user_id", "userId", "user", "uid", "customer_id", "customer", "sender_id", "sender", "client_id", "from",
        "user.id", "sender.id", "from.id", "author.id", "contact.id", "customer.id", "user.userId"),
    "timestamp": ("timestamp", "time", "ts", "created_at", "createdAt", "datetime", "date", "at", "request_time"),
    "utterance": ("utterance", "text", "query", "message", "content", "input", "transcript", "question", "prompt"),
    "turn_id": ("turn_id", "id", "message_id", "event_id", "request_id"),
    "session_id": ("session_id", "sessionId", "conversation_id", "conversationId", "session", "dialog_id", "thread_id"),
    "locale": ("locale", "language", "lang", "language_code"),
    "intent": ("intent", "intent_name", "label", "predicted_intent"),
    "confidence": ("confidence", "score", "probability"),
    "response": ("response", "answer", "reply", "bot_response", "output"),
}  # fmt: skip
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
    found.warnings += oddities.of_columns(path, source, config.columns)
    _say_rows(found, looked)
    turns = looked.filter(pl.col("reason").is_null())
    if turns.height:
        _say_turns(found, turns)
    if not source:
        _say_records(found, path, chosen)
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
        known |= dict.fromkeys(oddities.leaves(record, oddities.DEPTH))
    return list(known)


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
            (n for t in told for n in names if f".{n}".endswith(f".{t}") and n not in taken), None
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
    users = turns["user_id"].n_unique()
    there = turns.select(pl.col(SAID_OF_FIELDS).is_not_null().mean()).row(0, named=True)
    there["session_id"] = turns["session_given"].mean()
    there["locale"] = (turns["locale"] != "und").mean()
    found.said.append(f"{users:,} users; " + ", ".join(f"{n} in {s:.0%}" for n, s in there.items()))
    for row in turns.sort("at_ms").head(SHOWN).iter_rows(named=True):
        found.said.append(
            f"  {row['timestamp']:%Y-%m-%d %H:%M:%S} user {row['user_id'][:6]} ({row['locale']}): {row['utterance'][:60]!r}"
            f" -> {row['intent'] or 'nothing understood'}; answered {(row['response'] or '')[:40]!r}"
        )
    found.warnings += oddities.of_turns(turns)
    found.warnings += [broad_intents.told(n) for n in broad_intents.shown(turns)["intent"]]


def _say_records(found: Inspection, path: Path, config: DoorConfig) -> None:
    """What the door mends or leaves out without a word."""
    looked = first_records(path)
    intents = (reached(r, config.columns.get("intent", "intent")) for r in looked)
    named = {i for i in intents if isinstance(i, str)}
    fallbacks = sorted(n for n in named if n and (is_fallback(n, ()) or is_null(n)))
    if fallbacks:
        found.said.append(f"intents that say nothing was understood: {', '.join(fallbacks)}")
    found.warnings += oddities.of_records(looked, config.columns, sides=config.sides is not None)
    both = None if config.sides else oddities.two_sided(looked)
    if both:
        name, values = both
        users, bots = (
            [v for k, held in values.items() if k in of for v in held]
            for of in (oddities.USERS, oddities.BOTS)
        )
        if users:
            found.settings["rows"] = {"field": name, "user": users, "answer": bots}


def first_records(path: Path) -> list[dict[str, Any]]:
    """As many as are looked at for oddities."""
    return list(islice(_records(path), oddities.LOOKED_AT))
