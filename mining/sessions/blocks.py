"""Blocks of days that are told relative to each other: what a log is like is told by ENOUGH of its turns, so that a day costs
its own turns however long the log is.

Notation and constants: docs/method.md, 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ENOUGH = 100_000  # turns


@dataclass(frozen=True)
class Block:
    """`days` that are judged, among the days that are `read` with them."""

    days: list[str]
    read: list[str]


def blocks(turns: Mapping[str, int], wanted: Sequence[str]) -> list[Block]:
    """Blocks that cover the `wanted` days of a window, whose days have so many `turns`: each reads consecutive days of ENOUGH
    turns where there are so many, and a day before it; a short log is one block."""
    days = sorted(turns)
    if sum(turns.values()) <= 2 * ENOUGH:
        return [Block(sorted(wanted), days)] if wanted else []
    place = {day: n for n, day in enumerate(days)}
    found: list[Block] = []
    mine: list[str] = []
    for day in sorted(wanted):
        mine.append(day)
        if sum(turns[d] for d in days[place[mine[0]] : place[day] + 1]) >= ENOUGH:
            found.append(_reading(mine, turns, days))
            mine = []
    return [*found, _reading(mine, turns, days)] if mine else found


def _reading(mine: list[str], turns: Mapping[str, int], days: list[str]) -> Block:
    """A block that reads what lies between its days, and before them, or else after them, until that is ENOUGH."""
    first, last = days.index(mine[0]), days.index(mine[-1])
    first, count = first - 1, sum(turns[d] for d in days[max(first - 1, 0) : last + 1])
    while first > 0 and count < ENOUGH:
        first -= 1
        count += turns[days[first]]
    first = max(first, 0)
    while last + 1 < len(days) and count < ENOUGH:
        last += 1
        count += turns[days[last]]
    return Block(mine, days[first : last + 1])
