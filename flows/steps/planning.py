"""Whether a night learns everything anew, or applies to what is new what an earlier night had learned.

Turns, pairs and counts are the same either way; scores and beliefs may depend on which nights were full.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from aggregation.trust import Verdict
from flows import encoders
from flows.guarded import dumped
from flows.pipeline import Fact, Night, Reading, Result, own, step, tonight, window
from flows.reach import code_of
from flows.steps import facts
from mining.sessions.blocks import ENOUGH
from warehouse.common.digests import digest
from warehouse.lake import days_between
from warehouse.tables import Audits, FullNights, NightPlans, Trust, Turns, name_of

EVERY = 7  # nights after which everything is learned anew
GROWN = 1.5  # times the turns that everything was learned from

SETTINGS = (
    *("mining.window_days", "mining.similarity_threshold"),
    *("mining.min_recall", "mining.across_locales", "languages", *encoders.SETTINGS),
)


def _basis(night: Night) -> str:
    """What tells whether that which was learned can be applied still."""
    from flows.night import believed

    fixed = (facts.SEED_DATA, facts.LANGUAGE_FILES, facts.ENCODER_FILES, facts.FORGOTTEN)
    return digest(
        [code_of(each.work) for each in believed()],
        dumped(night.settings, SETTINGS),
        [fact.of(night) for fact in fixed],
    )


FULL = Fact("--full", lambda night: night.full)
BASIS = Fact("code, settings and data of what is learned", _basis)


@dataclass(frozen=True)
class _Log:
    """The night, the turns and locales of its window, and the basis of what it would learn."""

    night: str
    turns: int
    locales: list[str]
    basis: str


@step(
    reads=(*window(Turns), *tonight(Audits), *own(FullNights)),
    writes=(NightPlans, FullNights),
    settings=("mining.window_days",),
    facts=(FULL, BASIS),
)
def plan_night(at: Reading) -> Result:
    """Decide whether everything is learned anew."""
    turns = sum(at.lake.heights("turns", at.days(Turns)).values())
    earlier, mine = _last(at, at.nights(FullNights)[-1:]), _last(at, [at.day])
    said = at.lake.scan("turns", at.days(Turns)).select(pl.col("locale").unique().sort())
    bent = at.tonight(Audits).filter(pl.col("subject") != "rewrites")
    now = _Log(
        at.day,
        turns,
        said.collect()["locale"].to_list(),
        digest(at.fact(BASIS), bent.select("subject", "shift", "stretch").rows()),
    )
    why = _why_full(now, earlier, asked=at.fact(FULL))
    last: dict[str, Any] | None = {
        "night": at.day,
        "because": why,
        "turns": turns,
        "locales": now.locales,
        "basis": now.basis,
    }
    if why is None:  # unless it was asked for before
        asked = mine and mine["night"] == at.day and mine["basis"] == now.basis
        last = mine if asked else earlier
    assert last is not None
    at.put(FullNights, pl.DataFrame([last]))
    at.put(NightPlans, pl.DataFrame({"full": last["night"] == at.day, "since": last["night"]}))
    return {
        "full": last["night"] == at.day,
        "because": last["because"],
        "small": turns <= ENOUGH,
    }


def held(at: Reading, table: type[Trust], *told: Verdict) -> tuple[Verdict, ...]:
    """Verdicts no better than the last full night left in this table: small blocks of days claim more of pairs than whole logs do
    (docs/decisions/0021)."""
    if at.full:
        return told
    since = at.tonight(NightPlans)["since"].item()
    before = at.lake.read(name_of(table), [since])
    return tuple(verdict.no_better(before, since) for verdict in told)


def _last(at: Reading, nights: list[str]) -> dict[str, Any] | None:
    rows = at.lake.read("full_nights", nights)
    return rows.row(0, named=True) if rows.height else None


def _why_full(now: _Log, last: dict[str, Any] | None, *, asked: bool) -> str | None:
    """Why a night learns everything, by the `last` plan before it; None where it need not."""
    if last is None:
        return "nothing was learned before"
    launched = sorted(set(now.locales) - set(last["locales"]))
    nights = days_between(last["night"], now.night)
    reasons = {
        "code, settings, seed data, audits or forgotten users are others": last["basis"]
        != now.basis,
        f"the window has {ENOUGH:,} turns at most": now.turns <= ENOUGH,
        f"nobody spoke {' or '.join(launched)} then": bool(launched),
        f"the log has grown from {last['turns']:,} to {now.turns:,} turns": now.turns
        > GROWN * last["turns"],
        f"the last such night was {last['night']}": nights >= EVERY,
        "it was asked for": asked,
    }
    return next((why for why, holds in reasons.items() if holds), None)
