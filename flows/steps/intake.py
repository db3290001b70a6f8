"""Taking in: from log files to the turns and pairs of the days that they touch."""

import shutil
from dataclasses import replace

import polars as pl

from flows.erasure import cutoff
from flows.pipeline import Night, Reading, Result, Scope, own, step
from flows.settings import door_of
from flows.steps import facts
from mining.ingest import broad_intents, oddities
from mining.ingest.validation import FORGOTTEN
from mining.rephrases import pairs
from mining.sessions import bots, turns
from warehouse import forgotten
from warehouse.lake import Lake, typed
from warehouse.tables import (
    Bots,
    FallbackIntents,
    Inactivity,
    Pairs,
    Rejects,
    SessionTimeouts,
    Turns,
)

NOTHING: Result = {
    "days": [],
    "read": 0,
    "kept": 0,
    "set_aside": 0,
    "duplicates": 0,
    "dropped": {},
    "fallbacks": [],
    "forgotten": 0,
}  # what taking in comes to where there is no log


@step(
    reads=own(Turns, Inactivity, SessionTimeouts, Bots, Pairs, Rejects, FallbackIntents),
    writes=(Turns, Inactivity, SessionTimeouts, Bots, Pairs, Rejects, FallbackIntents),
    settings=(
        *("assistant", "log", "privacy.retention_days"),
        *("mining.window_days", "mining.session_gap_seconds"),
    ),
    facts=(facts.LOGS, facts.UNTIL, facts.CUTOFF, facts.FORGOTTEN, facts.SEED_INTENTS),
)
def take_in(at: Reading) -> Result:
    """Read the log through the door; merge its turns and find pairs on the days that it touches."""
    settings = at.settings
    door = replace(
        door_of(settings.log, at.home.salt()),
        until=at.until,
        assistant=settings.assistant,
        since=cutoff(at.lake, settings, at.now),
        forgotten=forgotten.read(at.home).users,
    )
    out = at.lake.staging("door")
    try:
        turns.admit(at.engine, at.logs, door, out)
        admitted = turns.account(out, settings.log.max_broken_share)
        if admitted.days:
            _merge(at, admitted)
    finally:
        shutil.rmtree(out)
    return {
        "days": admitted.days,
        "read": admitted.read,
        "kept": admitted.kept,
        "set_aside": admitted.rejects.height,
        "duplicates": admitted.duplicates,
        "dropped": admitted.dropped,
        "fallbacks": at.lake.newest("fallback_intents")["intent"].to_list(),
        "forgotten": admitted.rejects.filter(reason=FORGOTTEN).height,
    }


def _merge(at: Reading, admitted: turns.Admitted) -> None:
    """Put what was admitted into the lake."""
    lake, mining = at.lake, at.settings.mining
    days = turns.merge(at.engine, lake, admitted, mining.window_days, mining.session_gap_seconds)
    days = _without_fallbacks(at, days)
    bots.find(at.engine, lake, days)
    pairs.find(at.engine, lake, days)
    last = admitted.days[-1]
    files = admitted.rejects["file"].unique().to_list()
    before = lake.read("rejects", [last]).filter(~pl.col("file").is_in(files))
    lake.put("rejects", last, pl.concat([before, admitted.rejects.cast(before.schema)]))


def _without_fallbacks(at: Reading, days: list[str]) -> list[str]:
    """Take the names under which nothing was understood, known before or found now, from the turns of these days, and of
    the window where one is new; the days to be mined. A name that the seed data has is an intent."""
    lake, known = at.lake, at.lake.newest("fallback_intents")
    newest = lake.days("turns")[-1]
    window = _window(at, newest)
    found = typed(FallbackIntents, broad_intents.shown(newest_turns(lake, window)))
    named = pl.concat([known, found]).filter(~pl.col("intent").is_in(at.fact(facts.SEED_INTENTS)))
    named = named.unique("intent", keep="first", maintain_order=True).sort("intent")
    lake.put("fallback_intents", newest, named)
    if not set(named["intent"]) <= set(known["intent"]):
        days = sorted({*days, *window})
    for day in days if named.height else ():
        turns_of_day = lake.read("turns", [day])
        plain = broad_intents.without(turns_of_day, named["intent"].to_list())
        if not plain.equals(turns_of_day):
            lake.put("turns", day, plain)
    return days


def _window(at: Reading, newest: str) -> list[str]:
    return Scope.WINDOW.days(at.lake.days("turns"), newest, at.settings.mining.window_days)


def newest_turns(lake: Lake, days: list[str]) -> pl.DataFrame:
    """The newest turns of these days, LOOKED_AT at most: the same ones whatever order they lie in."""
    chosen: list[str] = []
    count = 0
    for day in sorted(days, reverse=True):
        chosen.append(day)
        count += lake.scan("turns", [day]).select(pl.len()).collect().item()
        if count >= broad_intents.LOOKED_AT:
            break
    needed = {*broad_intents.NEEDED, *oddities.NEEDED}
    rows = lake.scan("turns", chosen).select(sorted(needed)).collect()
    return rows.sort("at_ms", "turn_id").tail(broad_intents.LOOKED_AT)


def about_values(night: Night, day: str, intake: Result, taught: set[str]) -> list[str]:
    """What was dropped at the door, intents that seem to be none, and what else is odd about the turns."""
    dropped = [f"{rows:,} of {name}" for name, rows in intake["dropped"].items()]
    unread = (
        [f"values that could not be read were dropped: {', '.join(dropped)}"] if dropped else []
    )
    none = [broad_intents.told(name) for name in intake["fallbacks"] if name not in taught]
    newest = newest_turns(night.lake, night.window("turns", day))
    return unread + none + (oddities.of_turns(newest) if newest.height else [])
