"""The door: a raw row becomes a typed turn, or is set aside with its reason. Nothing else gets in.

Notation and constants: docs/method.md, 11.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
from msgspec import Meta

from mining.ingest import heard, optional, sources
from mining.ingest.fallbacks import is_fallback, is_null
from mining.ingest.locales import UNDETERMINED, spelled
from mining.ingest.paths import is_path, reached
from mining.ingest.rows import NESTED, Broken, Raw, decoded, rows
from mining.ingest.sides import Sides, users_only
from mining.ingest.times import YEARS, LocalClock, Unit, moment
from warehouse.tables import Rejects, Turns

BATCH = 50_000
REQUIRED = ("user_id", "timestamp", "utterance")
TURN = [n for n in Turns.column_names() if n not in ("timestamp", "session_given")]
DIGEST = 12  # bytes
ELSEWHERE = "names another assistant"
FORGOTTEN = "is of a user who was forgotten"
TOO_OLD = "is of a day that is not kept any more"
NOTHING_SAID = "is empty: nothing was said"
CLICK = "is what a button sends, no words"
UNBROKEN = (ELSEWHERE, FORGOTTEN, TOO_OLD, NOTHING_SAID, CLICK)  # set aside for these is not broken

Share = Annotated[float, Meta(ge=0, le=1)]
Id = Annotated[str, Meta(min_length=1, max_length=256)]


class Hypothesis(msgspec.Struct, forbid_unknown_fields=True):
    intent: str | None = None
    confidence: Share | None = None


class Row(msgspec.Struct, kw_only=True):
    """A row of the log, as the contract has it."""

    user_id: Id
    timestamp: datetime
    utterance: str
    turn_id: Id | None = None
    session_id: Id | None = None
    locale: str | None = None
    intent: str | None = None
    slots: dict[str, Any] | None = None
    confidence: Share | None = None
    n_best: list[Hypothesis] | None = None
    response: str | None = None
    outcome: Literal["success", "failure"] | None = None
    feedback: Literal[-1, 0, 1] | None = None
    executed_utterance: str | None = None
    channel: str | None = None
    interrupted: bool | None = None
    model_version: str | None = None
    arm: str | None = None
    propensity: Share | None = None
    prompted_slot: str | None = None
    assistant: str | None = None


FIELDS = Row.__struct_fields__


@dataclass(frozen=True)
class DoorConfig:
    """How this log is read. `columns` maps our names to the log's."""

    salt: bytes
    columns: dict[str, str] = field(default_factory=dict)
    time_zone: str | None = None
    until: date | None = None  # last day of which there can be turns
    assistant: str | None = None  # whose turns they are, where a log has those of several
    since: date | None = None  # first day that is kept
    forgotten: Mapping[str, str] = field(default_factory=dict)  # hashed user: last day refused
    time_unit: Unit | None = None  # of times that are counts since 1970
    fallbacks: frozenset[str] = frozenset()  # further names under which nothing was understood
    source: str | None = None  # the system that wrote it; without one found where it is plain
    locale: str | None = None  # of rows that name none
    sides: Sides | None = None  # where rows of users and of the assistant are mixed


class Rejected(Exception):
    """A row that breaks the contract: (field, reason)."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name, self.reason = name, reason


DOOR_SCHEMA = pl.Schema(
    {n: c.dtype for schema in (Turns, Rejects) for n, c in schema.columns().items()}
    | {"source": pl.String(), "dropped": pl.List(pl.String())}
)


def admit_file(path: Path, config: DoorConfig) -> Iterator[pl.DataFrame]:
    """Batches of a file's rows in DOOR_SCHEMA: turns, and set-aside rows with `reason` filled.

    `source` names the file of either, `dropped` the optional fields that could not be read.
    """
    required, nested = (
        [config.columns.get(name, name) for name in names] for names in (REQUIRED, NESTED)
    )
    if source := config.source or sources.written_by(path, config.columns):
        raw = sources.turns(path, source, config.columns)
        config = replace(config, columns={})
    else:
        raw = rows(path, required, nested)
    if config.sides:
        raw = users_only(raw, config.sides, config.columns)
    door = _Door(config)
    while batch := list(islice(raw, BATCH)):
        yield door.admit(str(path), batch)


class _Door:
    def __init__(self, config: DoorConfig) -> None:
        self.key = config.salt
        self.unit, self.fallbacks = config.time_unit, config.fallbacks
        self.columns = config.columns
        self.paths = [theirs for theirs in config.columns.values() if is_path(theirs)]
        self.locale = config.locale or UNDETERMINED
        self.until, self.since = config.until, config.since
        self.forgotten = config.forgotten
        self.assistant = config.assistant
        self.clock = LocalClock(ZoneInfo(config.time_zone)) if config.time_zone else None
        row = _renamed(config.columns)
        self.decode = msgspec.json.Decoder(row).decode
        self.row = row

    def admit(self, file: str, batch: list[tuple[int, Raw]]) -> pl.DataFrame:
        turns: list[tuple[Any, ...]] = []
        dropped: list[list[str] | None] = []
        aside: list[tuple[str, int, str, str]] = []
        for number, raw in batch:
            try:
                row, unread = self._row(raw)
                turns.append(self._turn(row))
                dropped.append([self.columns.get(n, n) for n in unread] or None)
            except Rejected as broken:
                theirs = self.columns.get(broken.name, broken.name)
                aside.append((file, number, theirs, broken.reason))
        rejects = pl.DataFrame(aside, Rejects.column_names(), orient="row")
        lists = pl.Series("dropped", dropped, pl.List(pl.String()))
        both = [_frame(turns).with_columns(lists), rejects.cast({"line": pl.Int64()})]
        found = pl.concat(both, how="diagonal").with_columns(source=pl.lit(file))
        return found.select(pl.col(n).cast(t) for n, t in DOOR_SCHEMA.items())

    def _turn(self, row: Any) -> tuple[Any, ...]:
        """The turn of a row, in the order of TURN."""
        if self.assistant and row.assistant not in (None, self.assistant):
            raise Rejected("assistant", ELSEWHERE)
        if heard.is_click(row.utterance):
            raise Rejected("utterance", CLICK)
        utterance = heard.words(row.utterance)
        if not utterance.strip():
            raise Rejected("utterance", NOTHING_SAID)
        if "\0" in utterance or "\0" in row.user_id or "\0" in (row.turn_id or ""):
            raise Rejected("utterance", "holds a NUL byte; strip it where the log is written")
        at = self._time(row.timestamp)
        at_ms = round(at.timestamp() * 1000)
        intent = self._understood(row.intent)
        n_best = [h for h in row.n_best or () if self._understood(h.intent)] or None
        best = n_best[0] if n_best else None
        user = hashed(row.user_id, self.key)
        if user in self.forgotten and at.date().isoformat() <= self.forgotten[user]:
            raise Rejected("user_id", FORGOTTEN)
        return (
            row.turn_id or _content_id(user, at_ms, utterance, row),
            user,
            at_ms,
            row.session_id,
            row.locale or self.locale,
            utterance,
            intent,
            sure := row.confidence if intent or not row.intent else None,
            intent or (best.intent if best else None),
            best.confidence if best else sure,
            n_best,
            slots := _slots(row.slots),
            _interpretation(intent, slots),
            row.response,
            row.outcome,
            row.feedback,
            unicodedata.normalize("NFC", row.executed_utterance or "") or None,
            row.channel,
            row.interrupted,
            row.model_version,
            row.arm,
            row.propensity,
            None if is_null(row.prompted_slot or "") else row.prompted_slot,
        )

    def _understood(self, intent: str | None) -> str | None:
        """The intent, unless its name says that there was none."""
        if not intent or is_null(intent) or is_fallback(intent, self.fallbacks):
            return None
        return intent

    def _row(self, raw: Raw) -> tuple[Any, list[str]]:
        """The row, and which optional fields of it could not be read."""
        try:
            if isinstance(raw, bytes) and not self.paths and not self.unit:
                row = self.decode(raw)
                if row.locale is None or spelled(row.locale) == row.locale:
                    return row, []
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError):
            pass  # the slow way says what is wrong
        found = decoded(raw)
        if isinstance(found, Broken):
            raise Rejected("row", str(found))
        return self._read(found)

    def _read(self, raw: dict[str, Any]) -> tuple[Any, list[str]]:
        """A row of which not every field is as the contract has it."""
        found: dict[str, Any] = {}
        unread = []
        for name in FIELDS:
            theirs = self.columns.get(name, name)
            value = reached(raw, theirs)
            if value is None:
                if name == "utterance" and theirs in raw:
                    raise Rejected(name, NOTHING_SAID)
                continue
            if name not in REQUIRED:
                try:
                    found[name] = optional.READ[name](value)
                except (ValueError, TypeError, OverflowError):
                    unread.append(name)
            elif name == "timestamp":
                try:
                    found[name] = moment(value, self.unit)
                except ValueError as error:
                    raise Rejected(name, str(error)) from None
            else:
                number = name == "user_id" and type(value) in (int, float)
                found[name] = optional.text(value) if number else value
        try:
            json.dumps(found, ensure_ascii=False, default=str).encode()
            return msgspec.convert(found, Row), unread
        except (UnicodeEncodeError, RecursionError):
            raise Rejected("row", "holds text that is not Unicode") from None
        except msgspec.ValidationError as error:
            raise Rejected(*_where(str(error))) from None

    def _too_late(self) -> Rejected:
        return Rejected("timestamp", f"is after {self.until}, the day after the night")

    def _time(self, at: datetime) -> datetime:
        if at.year not in YEARS:
            raise Rejected("timestamp", f"is in the year {at.year}; mend the clock of the log")
        if self.until and at.date() > self.until + timedelta(days=1):  # in whatever zone
            raise self._too_late()
        if at.tzinfo is None:
            if self.clock is None:
                raise Rejected(
                    "timestamp",
                    "has no time zone; write it as RFC 3339 (…Z), or set log.time_zone",
                )
            at = self.clock.placed(at)
        at = at.astimezone(UTC)
        if self.until and at.date() > self.until:
            raise self._too_late()
        if self.since and at.date() < self.since:
            raise Rejected("timestamp", TOO_OLD)
        return at


def hashed(user: str, salt: bytes) -> str:
    """The id by which the lake knows a user of the log."""
    return hashlib.blake2b(user.encode(), key=salt, digest_size=DIGEST).hexdigest()


def _frame(turns: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Column by column: far faster than a mapping a row."""
    columns = (
        dict(zip(TURN, zip(*turns, strict=True), strict=True)) if turns else dict.fromkeys(TURN, ())
    )
    plain = {
        n: pl.Series(n, values, Turns.columns()[n].dtype)
        for n, values in columns.items()
        if n != "n_best"
    }
    frame = pl.DataFrame(plain).with_columns(_lists(columns["n_best"]))
    given = pl.col("session_id").is_not_null()
    at = pl.col("at_ms").cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    return frame.with_columns(timestamp=at, session_given=given)


def _lists(hypotheses: Sequence[list[Hypothesis] | None]) -> pl.Series:
    """`n_best` of many turns, built flat."""
    flat = [h for each in hypotheses for h in each or ()]
    ends = np.cumsum([0, *(len(each or ()) for each in hypotheses)])
    offsets = pa.array(
        ends, pa.int32(), mask=np.array([*(each is None for each in hypotheses), False])
    )
    fields = [
        pa.array([h.intent for h in flat], pa.string()),
        pa.array([h.confidence for h in flat], pa.float64()),
    ]
    lists = pa.ListArray.from_arrays(
        offsets, pa.StructArray.from_arrays(fields, ["intent", "confidence"])
    )
    return pl.Series("n_best", lists)


def _renamed(columns: dict[str, str]) -> type[Row]:
    fields = [
        (f.name, f.type) if f.required else (f.name, f.type, f.default)
        for f in msgspec.structs.fields(Row)
    ]
    return msgspec.defstruct("Row", fields, rename=columns, kw_only=True)  # type: ignore[return-value]


def _where(message: str) -> tuple[str, str]:
    """(field, reason) of a message of msgspec: '... - at `$.field`' or 'missing `field`'."""
    reason, _, place = message.partition(" - at ")
    missing = re.search(r"missing required field `(.+?)`", reason)
    found = missing or re.search(r"\$\.(\w+)", place)
    name = found.group(1) if found else "row"
    return name, "is missing; every row needs it" if missing else reason[:1].lower() + reason[1:]


def _content_id(user: str, at_ms: int, utterance: str, row: Any) -> str:
    content = "\0".join([user, str(at_ms), utterance, row.locale or "", row.session_id or ""])
    return hashlib.blake2b(content.encode(), digest_size=DIGEST).hexdigest()


def _slots(slots: dict[str, Any] | None) -> list[dict[str, str]] | None:
    """By name; a slot without a value is none."""
    named = sorted((k, v) for k, v in (slots or {}).items() if v is not None)
    return [{"name": k, "value": _plain(v)} for k, v in named] or None


def _interpretation(intent: str | None, slots: list[dict[str, str]] | None) -> str | None:
    """Hypothesis and values as one text: equal where the assistant did the same."""
    if not intent or not slots:
        return None
    return msgspec.json.encode([intent, *([s["name"], s["value"]] for s in slots)]).decode()


def _plain(value: Any) -> str:
    inner = optional.unpacked(value)
    return inner if isinstance(inner, str) else msgspec.json.encode(inner).decode()
