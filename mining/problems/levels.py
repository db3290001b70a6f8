"""Locales that fail more than they did: a problem that no wording or intent tells alone.

The daily shares of failed turns of the newest 3, 5 and 7 days against those of the days before (Welch's test would need two
spreads; the newest days are too few, so that the spread is that of the days before: a prediction interval of Student's t), the
windows paid for by Bonferroni, the locales by Benjamini and Hochberg. It closes when the newest 3 days are nearer to the
usual share than to the worst.

Notation and constants: docs/method.md, 8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import t as students_t

from mining.problems.life import CLOSED, KEPT, LONGEST, SURELY, WINDOWS, Problem
from mining.problems.units import problem_id
from mining.trends.detection import FALSE, benjamini_hochberg
from warehouse.lake import days_between, shifted

Floats = npt.NDArray[np.float64]

LOCALE = "locale"
LEAST_DAYS = 5  # before the newest, by which a locale's usual share is known


@dataclass(frozen=True)
class Level:
    """How a locale fails: the `usual` share of its turns (where it settled, or as it was `before`), the `spread` of that over `days` days, and
    the shares of so many newest days on which anybody spoke; of all these days (`newest`) the turns, and the users whom one of them failed."""

    usual: float
    before: float
    spread: float
    days: int
    shares: Mapping[int, float]
    newest: int
    turns: int
    users: int

    @property
    def whole(self) -> float:
        """The share of the most newest days that are there."""
        return self.shares[max(self.shares)]

    def surely(self, window: int) -> float:
        """The p-value of a window: so high a share by chance."""
        error = self.spread * (1 / window + 1 / self.days) ** 0.5
        excess = self.shares[window] - self.usual
        if error == 0:
            return 0.0 if excess > 0 else 1.0
        return float(students_t.sf(excess / error, self.days - 1))


def levels(daily: pl.DataFrame, night: str, known: Mapping[str, Problem]) -> dict[str, Level]:
    """How each locale fails that has days enough. `daily`: `locale, day, turns, defects, users_failed`. The usual days are those before the newest,
    and, where a problem is `known` (by its id), before that opened; where it closed at a higher share, that is usual since."""
    of_locale = {p.locale: p for p in known.values()}
    newest = [shifted(night, -n) for n in range(LONGEST)]
    found = {}
    for (name,), days in daily.sort("locale", "day").group_by("locale", maintain_order=True):
        old = of_locale.get(str(name))
        past = days.filter(pl.col("day") < newest[-1])
        before = past.filter(pl.col("day") < shifted(old.opened, -LONGEST)) if old else past
        if before.height < LEAST_DAYS:
            before = past
        if before.height < LEAST_DAYS:
            continue
        spoken = days.filter(pl.col("day") >= newest[-1])
        if spoken.height < WINDOWS[0]:
            continue
        settled = old.usual if old and old.closed and old.usual is not None else 0.0
        found[str(name)] = Level(
            max(_share(before), settled),
            _share(before),
            float((before["defects"] / before["turns"]).std()),  # type: ignore[arg-type]
            before.height,
            {w: _share(spoken.tail(w)) for w in WINDOWS if spoken.height >= w},
            spoken.height,
            int(spoken["turns"].sum()),
            int(spoken["users_failed"].max() or 0),  # type: ignore[arg-type]
        )
    return found


def _share(days: pl.DataFrame) -> float:
    """Of the turns of these days those that failed."""
    return float(days["defects"].sum()) / max(1, int(days["turns"].sum()))


def followed(
    before: Mapping[str, Problem], found: Mapping[str, Level], night: str, k: int, salt: bytes
) -> list[Problem]:
    """The problems of locales of a night, by those of the night `before`. `salt` of the home."""
    names = sorted(found)
    known = {p.locale: p for p in before.values()}
    tested = {n: _tested(found[n], known.get(n), night) for n in names}
    p = np.array([tested[n] for n in names])
    q = dict(zip(names, benjamini_hochberg(p), strict=True)) if names else {}
    kept = []
    for name in sorted({*names, *known}):
        shown = name in found and q[name] <= FALSE and _excess(found[name]) >= k
        shown = shown and found[name].users >= k
        if name in known:
            now = _aged(known[name], found.get(name), night, shown=shown)
        else:
            now = _new(salt, name, found[name], night) if shown else None
        if now is not None:
            kept.append(_worth(now, found.get(name)))
    return kept


def _tested(level: Level, known: Problem | None, night: str) -> float:
    """The least p-value of the windows that have no day before the problem was closed."""
    closed = known.closed if known else None
    since = LONGEST if closed is None else days_between(closed, night)
    p = [level.surely(w) for w in level.shares if w <= since]
    return min(1.0, min(p, default=1.0) * len(WINDOWS))


def _new(salt: bytes, locale: str, level: Level, night: str) -> Problem:
    about = (problem_id(salt, LOCALE, locale), LOCALE, locale, None, None, None)
    return Problem(*about, night, max(level.shares.values()), level.usual)


def _aged(old: Problem, level: Level | None, night: str, *, shown: bool) -> Problem | None:
    """What became of a problem that was known."""
    if level is None:
        gone = days_between(old.closed or old.opened, night) > KEPT
        return None if gone else old
    if old.closed and old.usual is not None and days_between(old.closed, night) >= LONGEST:
        old = replace(old, usual=min(old.usual, max(level.before, level.whole)))
    worst = max(level.shares.values())
    if old.closed is not None:
        if shown:
            return replace(old.opening(night, worst), usual=level.usual)
        return old if days_between(old.closed, night) <= KEPT else None
    shortest = WINDOWS[0]
    nearer = level.shares[shortest] < (level.usual + old.rate) / 2
    if nearer and days_between(old.opened, night) >= shortest:
        return replace(old.closing(night), usual=max(level.usual, level.shares[shortest]))
    return replace(old, rate=max(old.rate, worst), usual=level.usual)


def _worth(problem: Problem, level: Level | None) -> Problem:
    """With the failed turns beyond the usual share, of the newest days."""
    if problem.status == CLOSED or level is None:
        return problem.quiet
    error = SURELY * level.spread * (1 / level.newest + 1 / level.days) ** 0.5 * level.turns
    excess = _excess(level)
    return replace(
        problem,
        turns=level.turns,
        days=level.newest,
        failed=round(max(0.0, excess), 6),
        failed_at_least=round(max(0.0, excess - error), 6),
        failed_at_most=round(max(0.0, excess + error), 6),
        users=level.users,
        most_users=max(problem.most_users, level.users),
    )


def _excess(level: Level) -> float:
    return (level.whole - level.usual) * level.turns
