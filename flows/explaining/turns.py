"""Turns, and pairs of turns: where every explanation ends."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import polars as pl

from flows.explaining.memory import MOST, LakeReader

TURN = [
    "turn_id",
    "timestamp",
    "locale",
    "utterance",
    "best_intent",
    "intent",
    "outcome",
    "executed_utterance",
    "arm",
]
PAIR = ["source_turn_id", "target_turn_id", "source", "target", "seconds", "kind", "p_rephrase"]
LATEST = ["timestamp", "turn_id"]


def newest(memory: LakeReader, among: pl.Expr) -> list[dict[str, Any]]:
    """The newest turns that an expression chooses, each with the probability that it failed its user, and
    the wording that most probably said it again. Days are read from the newest back, until it is enough."""
    found = memory.lake.scan("turns", []).select(TURN).collect()
    for day in reversed(memory.lake.days("turns")):
        rows = memory.lake.scan("turns", [day]).filter(among).select(TURN)
        found = pl.concat([found, rows.sort(LATEST, descending=True).head(MOST).collect()])
        if found.height >= MOST:
            break
    return _judged(memory, found.head(MOST)).to_dicts()


def pairs(memory: LakeReader, among: pl.Expr) -> list[dict[str, Any]]:
    """The most probable pairs of the window that an expression chooses."""
    events = memory.lake.scan("rephrase_events", memory.window("rephrase_events"))
    rows = events.filter(among).select(PAIR)
    ranked = rows.sort(["p_rephrase", *PAIR[:2]], descending=[True, False, False])
    return ranked.head(MOST).collect().to_dicts()


def _judged(memory: LakeReader, turns: pl.DataFrame) -> pl.DataFrame:
    ids = pl.lit(turns["turn_id"].implode())
    days = turns["timestamp"].dt.date().unique().to_list()
    defects = memory.lake.scan("defects", map(date.isoformat, days))
    p_defect = defects.filter(pl.col("turn_id").is_in(ids)).select("turn_id", "p_defect").collect()
    events = memory.lake.scan("rephrase_events", _and_next(days))
    again = (
        events.filter(pl.col("source_turn_id").is_in(ids))
        .select("source_turn_id", "target", "p_rephrase")
        .collect()
        .sort("p_rephrase", "target", descending=[True, False])
        .unique("source_turn_id", keep="first", maintain_order=True)
    )
    return (
        turns.join(p_defect, on="turn_id", how="left")
        .join(again, left_on="turn_id", right_on="source_turn_id", how="left")
        .sort(LATEST, descending=True)
    )


def _and_next(days: list[date]) -> Iterable[str]:
    """An event lies under the day of its later turn."""
    return {(d + timedelta(days=n)).isoformat() for d in days for n in (0, 1)}


def turn_lines(turns: list[dict[str, Any]]) -> list[str]:
    return ["turns, newest first:", *map(_turn_line, turns)] if turns else ["no turns"]


def pair_lines(pairs: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"  {r['source']!r}, after {r['seconds']:.0f} s {r['target']!r} ({r['kind']},"
        f" p {r['p_rephrase']:.2f}): {r['source_turn_id']}, {r['target_turn_id']}"
        for r in pairs
    ]
    return ["pairs of turns, most probable first:", *rows] if rows else ["no pairs of turns"]


def _turn_line(turn: dict[str, Any]) -> str:
    ran = turn["executed_utterance"]
    told = [
        turn["best_intent"] or "no hypothesis",
        "executed" if turn["intent"] else "not executed",
        *([f"ran {ran!r}"] if ran else []),
        *([turn["arm"]] if turn["arm"] else []),
        *([f"failed with p {turn['p_defect']:.2f}"] if turn["p_defect"] is not None else []),
        f"then {turn['target']!r} (the same with p {turn['p_rephrase']:.2f})"
        if turn["target"] is not None
        else "nobody came back",
    ]
    return f"  {turn['timestamp']:%Y-%m-%d %H:%M:%S} {turn['turn_id']} {turn['utterance']!r}: {', '.join(told)}"
