"""One rule for times, whatever the format of the file: RFC 3339 and what is written in its place, or a count since
1970 in seconds, milliseconds, microseconds or nanoseconds.

The unit of a count need not be said: within a century of log years the four do not overlap.

Notation and constants: docs/method.md, 11.
"""

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

Unit = Literal["s", "ms", "us", "ns"]

YEARS = range(2000, 2100)  # a log of other years has a broken clock
IN_A_SECOND = dict(zip(get_args(Unit), (1, 10**3, 10**6, 10**9), strict=True))
DISORDER = timedelta(
    minutes=30
)  # by which rows of a log in order may be late: half of the hour that is repeated
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?(e\+?\d+)?\s*", re.IGNORECASE)
WRITTEN = re.compile(  # date, time, parts of a second, zone
    r"\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?\s*",
    re.IGNORECASE,
)


COMPACT = re.compile(r"\s*(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(.*)")  # ISO 8601, basic
YEAR_FIRST = re.compile(r"\s*(\d{4})[/.](\d\d)[/.](\d\d)(?=[T ])")
REGION = re.compile(r"\[\w+(/\w+)*\]\s*$")  # Java's ZonedDateTime names it after the offset
MAILED = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)?(.*)")  # RFC 5322, and of HTTP
OFFSET = re.compile(r"\s*([+-]\d{4}|GMT|UTC|UT|Z)?\s*")


def _usual(text: str) -> str:
    """A time that is written in another way, of which there is one reading, as RFC 3339 orders it."""
    text = COMPACT.sub(r"\1-\2-\3T\4:\5:\6\7", YEAR_FIRST.sub(r"\1-\2-\3", text))
    return REGION.sub("", text)


def _held(value: dict[str, Any]) -> datetime:
    """A time in an object: of MongoDB ($date, $numberLong), of Firestore and protobuf (seconds, nanos)."""
    date = value.get("$date")
    inner = date.get("$numberLong") if isinstance(date, dict) else date
    if isinstance(inner, str | int):
        return moment(inner, None if isinstance(inner, str) and not inner.isdecimal() else "ms")
    seconds = value.get("seconds", value.get("_seconds"))
    if isinstance(seconds, str | int):
        return moment(seconds, "s")
    raise ValueError("is an object; log the time itself")


def moment(value: object, unit: Unit | None) -> datetime:
    """The moment that `value` says, with its zone if it says one; ValueError with what is wrong.

    A number is a count since 1970: of `unit`, else of the one that puts it into the years of a log.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, dict):
        return _held(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _counted(value, unit)
    text = str(value)
    if NUMBER.fullmatch(text):
        whole = text.strip().lstrip("+-").isdecimal()
        return _counted(int(text) if whole else float(text), unit)
    parts = WRITTEN.fullmatch(_usual(text))
    if parts is None:
        mailed = MAILED.search(text)
        if mailed and OFFSET.fullmatch(mailed[1]):
            return parsedate_to_datetime(text)
        raise ValueError("is no datetime; write it as RFC 3339, such as 2026-01-05T08:00:00Z")
    day, clock, fraction, zone = parts.groups()
    zone = "" if not zone else "+00:00" if zone.isalpha() else zone
    try:
        read = datetime.fromisoformat(
            f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}"
            if clock.count(":") == 2
            else f"{day}T{clock}{zone}"
        )
    except ValueError as error:
        raise ValueError(f"is no datetime ({error})") from None
    return read


def _counted(value: float, unit: Unit | None) -> datetime:
    for known in [unit] if unit else get_args(Unit):
        try:
            at = (
                EPOCH + timedelta(microseconds=int(value * 10**6 / IN_A_SECOND[known]))
                if isinstance(value, float)
                else EPOCH + timedelta(microseconds=value * 10**6 // IN_A_SECOND[known])
            )
        except (OverflowError, ValueError):
            continue
        if at.year in YEARS:
            return at
    said = f"counted in {unit}" if unit else "counted since 1970 in s, ms, us or ns"
    raise ValueError(
        f"is in none of the years of a log, {said}; mend the clock of the log, or set log.time_unit"
    )


class LocalClock:
    """Places the local times of one file, row by row. In the hour that a clock repeats when it is set back, the
    second pass is told by the order of the rows, as long as they are in order; else it is taken for the first."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.latest: datetime | None = None
        self.second_pass: date | None = None  # the day of an hour that came again
        self.in_order = True

    def placed(self, at: datetime) -> datetime:
        """`at`, a time without a zone, in the zone."""
        before, repeated = self.latest or at, self._is_repeated(at)
        self.latest = max(before, at)
        if at < before - DISORDER:
            if repeated and self._is_repeated(before) and self.in_order:
                self.second_pass, self.latest = at.date(), at
            else:
                self.in_order = False
        fold = int(repeated and self.in_order and self.second_pass == at.date())
        return at.replace(tzinfo=self.zone, fold=fold)

    def _is_repeated(self, at: datetime) -> bool:
        first, second = (at.replace(tzinfo=self.zone, fold=fold).utcoffset() for fold in (0, 1))
        return first is not None and second is not None and second < first
