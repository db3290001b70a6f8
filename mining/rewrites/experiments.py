"""Rewrites that run: which stay, which are withdrawn, and how many of their turns are held out.

A fix erases the evidence that made it: nobody says again what works. So a fix, once it runs, stays by
what its own turns show, not by being mined again. Of its turns a random share, its holdout, is left
alone: a fifth at first, fewer the more users it served, never none. Those and the treated turns
are counted apart (`arms.sql`, inverse propensity), and compared. Treated turns that begin to fail (a CUSUM of Page 1954 over
days) put what was seen before the change aside and open the holdout to one half, so that a fix that went bad
shows within days. One that is worse than leaving the wording alone is withdrawn, and waits the longer
the more often it was.

Notation and constants: docs/method.md, 7.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm

from warehouse.common.reformulation import Reformulation
from warehouse.lake import days_between, shifted

FIRST = 0.2  # holdout of a fix at first
HALF = 0.5  # and where its turns begin to fail
SERVED = 20.0  # users after whom it is half of that, after as many more a third: in steps, which tell no count
LEAST = 0.05  # holdout that stays for ever
WORSE = 0.95  # probability of being worse at which a fix is withdrawn
FEWEST = 3.0  # users of each arm that must have been seen before
BELIEVED = 4.0  # users that what was mined is worth, when a fix begins
ALARM = 3.0  # log likelihood ratio of the CUSUM; in 20 turns of 1 by chance
DELIVERS = 0.6  # least success that a fix is held to
BROKEN = 0.25  # of the success promised: what the CUSUM looks for
SURE = 0.98  # of a share of correct turns, at most
COOL_DOWN = 28  # nights after a withdrawal, doubled with each one; a quarter for another target

LIVE, WITHDRAWN = "live", "withdrawn"
Row = dict[str, Any]
Pair = tuple[str, str, str]
MINED = [
    "p_better", "users", "occurrences", "p_same", "success", "success_alone", "carried_values",
]  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """Users of one arm since a day, effective ones (Kish 1965), and the share of them who came back. A user
    counts once, with the mean of what happened."""

    users: float
    reformulated: float

    @staticmethod
    def of(rows: list[Row]) -> "Arm":
        if not rows:
            return Arm(0.0, 0.0)
        users = _by(rows, "user_id").values()
        weight = np.array([sum(row["weight"] for row in mine) / len(mine) for mine in users])
        reformulated = np.array([_reformulated(mine) for mine in users])
        return Arm(
            float(weight.sum() ** 2 / (weight**2).sum()),
            float(np.average(reformulated, weights=weight)),
        )

    def beta(self, believed: float | None) -> tuple[float, float]:
        """Mean and variance of the share who come back; `believed` is what was, before anything was seen."""
        worth, share = (1.0, 0.5) if believed is None else (BELIEVED, believed)
        a = worth * share + self.users * self.reformulated
        b = worth * (1 - share) + self.users * (1 - self.reformulated)
        return a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))


def follow(
    before: pl.DataFrame,
    proposed: pl.DataFrame,
    arms: pl.DataFrame,
    rates: Reformulation,
    night: str,
) -> pl.DataFrame:
    """The fixes of a night, from those of the night `before`, the rewrites that mining proposes, and what
    the arms show (`arms.sql`). A wording has one live fix at most. One that runs stays; one that nobody
    runs is what mining proposes tonight.
    """
    rows_of = defaultdict(list)
    for row in arms.sort("day", "user_id", "ran", "intent").to_dicts():
        rows_of[row["locale"], row["utterance"]].append(row)
    mined = {_pair(row): row for row in proposed.to_dicts()}
    found: dict[Pair, Row] = {}
    for row in before.to_dicts():
        pair = _pair(row)
        mine = rows_of[pair[:2]]
        runs = any(turns["ran"] == row["target"] for turns in mine)
        if runs or pair in mined or (row["status"] == WITHDRAWN and mine):
            told = {c: mined[pair][c] for c in MINED} if pair in mined else {}
            found[pair] = _judged(row | told, mine, rates, night)
    of_wording = defaultdict(list)
    for pair in found:
        of_wording[pair[:2]].append(pair)
    for pair, row in mined.items():
        others = of_wording[pair[:2]]
        fresh = _begun(row, found.get(pair), rates, night)
        if all(_makes_way(found[p], fresh, night) for p in others):
            for idle in [p for p in others if found[p]["status"] == LIVE]:
                del found[idle]
                others.remove(idle)
            found[pair] = fresh
            if pair not in others:
                others.append(pair)
    rows = pl.DataFrame(list(found.values()), schema=before.schema)
    return rows.sort("locale", "source", "target")


def rewrites(fixes: pl.DataFrame) -> pl.DataFrame:
    """The rows of `rewrites`: what is to run."""
    return fixes.filter(status=LIVE).select(
        "locale", "source", "target", *MINED, "holdout", "began"
    )


def _pair(row: Row) -> Pair:
    return row["locale"], row["source"], row["target"]


def _makes_way(other: Row, fresh: Row, night: str) -> bool:
    """Whether a fix leaves its wording to a fresh one: a live one where nobody runs it; one that was
    withdrawn after a while, and where the fresh one promises more than leaving it alone has shown since.
    """
    if other["status"] == LIVE:
        return bool(other["treated"] == 0 and other["target"] != fresh["target"])
    wait = COOL_DOWN if other["target"] == fresh["target"] else COOL_DOWN // 4
    waited = days_between(other["until"], night)
    if waited < wait * 2 ** (other["withdrawals"] - 1):
        return False
    alone = Arm(other["alone"], other["alone_reformulated"])
    return _worse(Arm(0.0, 0.0).beta(fresh["believed"]), alone.beta(None)) < 1 - WORSE


def _worse(treated: tuple[float, float], alone: tuple[float, float]) -> float:
    """The probability that more users come back from the first arm than from the second."""
    return float(norm.cdf((treated[0] - alone[0]) / np.sqrt(treated[1] + alone[1])))


def _begun(row: Row, before: Row | None, rates: Reformulation, night: str) -> Row:
    promised = max(row["success"], DELIVERS)
    return {c: row[c] for c in ("locale", "source", "target", *MINED)} | {
        "status": LIVE,
        "began": night,
        "until": None,
        "withdrawals": before["withdrawals"] if before else 0,
        "since": night,
        "promised": round(promised, 6),
        "believed": round(_reformulation_rate(rates, promised), 6),
        "believed_alone": round(_reformulation_rate(rates, row["success_alone"]), 6),
        "holdout": FIRST,
        "treated": 0.0,
        "treated_reformulated": 0.0,
        "alone": 0.0,
        "alone_reformulated": 0.0,
        "p_worse": 0.0,
    }


def _judged(row: Row, seen: list[Row], rates: Reformulation, night: str) -> Row:
    """A fix after what its arms show up to this night."""
    treated, alone = _arms(seen, row["source"], row["target"])
    if row["status"] == LIVE:
        began = _cusum(_after(row["since"], treated), rates, row["promised"])
        if began:
            row = row | {"since": began, "believed": None, "believed_alone": None}
    left = Arm.of(_after(row["since"], alone))
    row = row | {"alone": round(left.users, 6), "alone_reformulated": round(left.reformulated, 6)}
    if row["status"] == WITHDRAWN:
        return row
    run = Arm.of(_after(row["since"], treated))
    ours, others = run.beta(row["believed"]), left.beta(row["believed_alone"])
    p_worse = _worse(ours, others)
    first = HALF if row["believed"] is None else FIRST
    row = row | {
        "treated": round(run.users, 6),
        "treated_reformulated": round(run.reformulated, 6),
        "p_worse": round(p_worse, 6),
        "holdout": round(max(LEAST, first / (1 + run.users // SERVED)), 6),
    }
    if run.users >= FEWEST:
        success, other = rates.p_correct(np.array([ours[0], others[0]]), SURE)
        row["p_better"] = round(float(success * (1 - other)), 6)
    if p_worse >= WORSE and min(run.users, left.users) >= FEWEST:
        times = row["withdrawals"] + 1
        row = row | {"status": WITHDRAWN, "until": night, "withdrawals": times, "holdout": 1.0}
    return row


def _arms(seen: list[Row], source: str, target: str) -> tuple[list[Row], list[Row]]:
    """Treated turns, and those left alone, each under the hypothesis that the assistant has of them now."""
    treated, alone = ([row for row in seen if row["ran"] == ran] for ran in (target, source))
    return _now(treated), _now(alone)


def _now(rows: list[Row]) -> list[Row]:
    newest = max((row["last_ms"], row["intent"]) for row in rows)[1] if rows else None
    return [row for row in rows if row["intent"] == newest]


def _after(day: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["day"] > day]


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    """The rows by a column, whose values are in order."""
    found = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(sorted(found.items()))


def _reformulated(rows: list[Row]) -> float:
    """The share of the turns, by their weight, whose users came back."""
    weighed = sum(row["weight"] * row["reformulated"] for row in rows)
    return float(weighed / sum(row["weight"] for row in rows))


def _cusum(treated: list[Row], rates: Reformulation, promised: float) -> str | None:
    """The last day before treated turns began to fail, where they did: a CUSUM over days of the log likelihood ratio of
    BROKEN of the success promised against all of it (Page 1954)."""
    good, bad = _reformulation_rate(rates, promised), _reformulation_rate(rates, BROKEN * promised)
    sum_, start, last = 0.0, None, None
    daily = _by(treated, "day")
    for day, rows in daily.items():
        users, share = len(rows), _reformulated(rows)
        told = users * (share * np.log(bad / good) + (1 - share) * np.log((1 - bad) / (1 - good)))
        if sum_ == 0.0:
            start = last
        sum_ = max(0.0, sum_ + told)
        last = day
        if sum_ >= ALARM:
            return start or shifted(min(daily), -1)
    return None


def _reformulation_rate(rates: Reformulation, success: float) -> float:
    """The share of users who come back where so many turns are right."""
    return success * rates.if_correct + (1 - success) * rates.if_incorrect
