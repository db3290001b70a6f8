"""The life of a problem: it opens when users show it, is worth turns a day, closes when they stop, and opens again if it comes
back.

It opens when in the newest 3, 5 or 7 days (since it was closed) k users or more met it and surely more than half of the turns
that are counted against it failed. It closes when, in as many days since it opened, surely less than half as many people met it
as did before, or nobody for 7 days. How many people spoke at all is allowed for.

Notation and constants: docs/method.md, 8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from scipy.special import gammaincc

from warehouse.lake import days_between

WINDOWS = (3, 5, 7)  # newest days that are looked at
LONGEST = WINDOWS[-1]
SURELY = 1.645  # standard errors that nineteen of twenty lie above
CHANCE = 0.05  # of closing what goes on
LESS = 0.5  # of what it was, below which it has stopped
KEPT = 90  # days for which a closed problem is remembered
OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True)
class Problem:
    """A problem as of a night; the fields are the columns of its table."""

    problem_id: str
    kind: str
    locale: str
    meant: str | None
    heard: str | None
    example: str | None
    opened: str
    rate: float
    usual: float | None = None
    named: float | None = None
    status: str = OPEN
    closed: str | None = None
    times: int = 1
    turns: int = 0
    failed: float = 0.0
    failed_at_least: float = 0.0
    failed_at_most: float = 0.0
    window: int = LONGEST
    days: int = LONGEST
    users: int = 0
    most_users: int = 0

    @property
    def quiet(self) -> "Problem":
        """The same, of which nothing is counted."""
        idle = replace(self, turns=0, users=0, window=LONGEST, days=LONGEST)
        return replace(idle, failed=0.0, failed_at_least=0.0, failed_at_most=0.0)

    def closing(self, night: str) -> "Problem":
        return replace(self, status=CLOSED, closed=night)

    def opening(self, night: str, rate: float) -> "Problem":
        """The same, which has come back."""
        again = replace(self, status=OPEN, opened=night, closed=None, rate=rate)
        return replace(again, times=self.times + 1)


@dataclass(frozen=True)
class Counts:
    """What is counted against a problem in so many newest days, and how many people `spoke` its locale in them, each counted once a day."""

    turns: int
    failed: float
    variance: float
    users: int
    user_days: int
    spoke: float = 0.0

    @property
    def surely(self) -> bool:
        """Whether surely more than half of the turns failed."""
        return bool(self.failed - self.turns / 2 > SURELY * self.variance**0.5)

    @property
    def rate(self) -> float:
        """People whom it failed, by those who spoke."""
        return self.met / max(self.spoke, 1.0)

    @property
    def met(self) -> float:
        """People whom it failed, expected, each counted once a day."""
        return self.user_days * self.failed / max(self.turns, 1)


NONE = Counts(0, 0.0, 0.0, 0, 0)


@dataclass(frozen=True)
class Shown:
    """What users showed by a night: of each of WINDOWS what is `counted` against each problem and how many people `spoke` each locale
    (each counted once a day); what each is `about`; the `candidates`, found otherwise to be wishes without an intent; and how many `days` of each window the log
    has."""

    night: str
    counted: Mapping[int, Mapping[str, Counts]]
    spoke: Mapping[int, Mapping[str, float]]
    about: Mapping[str, Mapping[str, Any]]
    candidates: frozenset[str]
    days: Mapping[int, int]

    def of(self, name: str, locale: str) -> dict[int, Counts]:
        """What is counted against a problem, by windows."""
        return {
            w: replace(self.counted[w].get(name, NONE), spoke=self.spoke[w].get(locale, 0.0))
            for w in WINDOWS
        }


def followed(before: Mapping[str, Problem], shown: Shown, k: int) -> list[Problem]:
    """The problems of a night, by those of the night `before`."""
    kept = []
    for name in sorted({*before, *shown.about}):
        old = before.get(name)
        counts = shown.of(name, old.locale if old else shown.about[name]["locale"])
        if old is not None:
            now = _older(old, counts, shown.night, k)
        elif name in shown.candidates or _showing(counts, WINDOWS, k):
            now = _new(name, shown.about[name], counts, shown.night)
        else:
            now = None
        if now is not None:
            kept.append(_worth(now, counts, shown, k))
    return kept


def _new(name: str, about: Mapping[str, Any], counts: dict[int, Counts], night: str) -> Problem:
    named = {c: about[c] for c in ("kind", "locale", "meant", "heard")}
    return Problem(
        name,
        **named,
        example=about["utterance"],
        opened=night,
        rate=max(c.rate for c in counts.values()),
    )


def _older(old: Problem, counts: dict[int, Counts], night: str, k: int) -> Problem | None:
    """What became of a problem that was known."""
    if old.status == CLOSED:
        assert old.closed is not None
        since = days_between(old.closed, night)
        if _showing(counts, [w for w in WINDOWS if w <= since], k):
            return old.opening(night, max(c.rate for c in counts.values()))
        return old if since <= KEPT else None
    since = days_between(old.opened, night)
    shortest = counts[WINDOWS[0]]
    goes_on = shortest.surely and shortest.users >= k
    if not goes_on and stopped(old.rate, counts, since):
        return old.closing(night)
    return replace(old, rate=max(old.rate, counts[LONGEST].rate))


def _showing(counts: Mapping[int, Counts], windows: Sequence[int], k: int) -> list[int]:
    """The windows in which users show it, the longest first."""
    return [w for w in reversed(windows) if counts[w].users >= k and counts[w].surely]


def stopped(rate: float, counts: Mapping[int, Counts], since: int) -> bool:
    """Whether surely fewer people met it than LESS of the `rate`, in a window of days that has none before it opened, `since` days ago."""
    if since >= LONGEST and counts[LONGEST].users == 0:
        return True
    return any(
        gammaincc(c.met + 1, LESS * rate * c.spoke) < CHANCE
        for w, c in counts.items()
        if w <= since
    )


def _worth(problem: Problem, counts: Mapping[int, Counts], shown: Shown, k: int) -> Problem:
    """With what is counted in the longest window that shows it; of one that none shows, in the longest that has anything."""
    if problem.status == CLOSED:
        return problem.quiet
    about = shown.about.get(problem.problem_id)
    something = [w for w in reversed(WINDOWS) if counts[w].users]
    window = next(iter([*_showing(counts, WINDOWS, k), *something]), LONGEST)
    now = counts[window]
    spread = SURELY * (now.variance + now.failed) ** 0.5
    return replace(
        problem,
        example=about["utterance"] if about else problem.example,
        named=about["named"] if about else problem.named,
        turns=now.turns,
        failed=round(now.failed, 6),
        failed_at_least=round(max(0.0, now.failed - spread), 6),
        failed_at_most=round(now.failed + spread, 6),
        window=window,
        days=max(1, shown.days[window]),
        users=now.users,
        most_users=max(problem.most_users, now.users),
    )


def of_rows(rows: pl.DataFrame) -> dict[str, Problem]:
    """The problems of a table by their ids."""
    return {row["problem_id"]: Problem(**row) for row in rows.iter_rows(named=True)}
