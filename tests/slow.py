"""The obvious way to say what the clever code says: slow, and easy to believe."""

from typing import Any


def sessions(turns: list[dict[str, Any]], gap_ms: int) -> dict[str, str]:
    """turn_id -> session_id: the given one, else the first turn of a run without a long silence."""
    found: dict[str, str] = {}
    for user in {t["user_id"] for t in turns}:
        mine = sorted(
            (t for t in turns if t["user_id"] == user), key=lambda t: (t["at_ms"], t["turn_id"])
        )
        last, current = None, ""
        for t in mine:
            if t["session_given"]:
                found[t["turn_id"]] = t["session_id"]
                continue
            if last is None or t["at_ms"] - last > gap_ms:
                current = t["turn_id"]
            last, found[t["turn_id"]] = t["at_ms"], current
    return found


def pairs(
    turns: list[dict[str, Any]], session: dict[str, str], reach: int, within_ms: int
) -> set[tuple[str, str]]:
    """(source, target) of turns of one user, session and locale, near enough."""
    found = set()
    for a in turns:
        mine = [
            t
            for t in turns
            if t["user_id"] == a["user_id"]
            and t["session_given"] == a["session_given"]
            and session[t["turn_id"]] == session[a["turn_id"]]
        ]
        mine.sort(key=lambda t: (t["at_ms"], t["turn_id"]))
        place = mine.index(a)
        for b in mine[place + 1 : place + 1 + reach]:
            near = a["session_given"] or b["at_ms"] - a["at_ms"] <= within_ms
            if b["locale"] == a["locale"] and near:
                found.add((a["turn_id"], b["turn_id"]))
    return found


def ends(followed: dict[str, tuple[str, float]]) -> dict[str, str]:
    """turn_id -> last turn of its chain of at most eight likely steps."""
    found = {}
    for start in followed:
        at, steps = start, 0
        while at in followed and followed[at][1] >= 0.5 and steps < 8:
            at, steps = followed[at][0], steps + 1
        if at != start:
            found[start] = at
    return found


def benjamini_hochberg(p: list[float]) -> list[float]:
    """Of each p-value the least rate at which it is found: some p at least as large is small enough for its rank."""
    ranks = [sum(other <= larger for other in p) for larger in p]
    return [
        min(1.0, *(q * len(p) / rank for q, rank in zip(p, ranks, strict=True) if q >= mine))
        for mine in p
    ]
