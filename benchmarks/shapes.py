"""The shape of logs side by side, so that nobody builds an easy world again.

    python benchmarks/shapes.py FOLDER... [--kinds command,dialogue,chat,search,mixed]

A FOLDER holds log.jsonl.gz and truth.jsonl.gz. Beside them stand worlds that `simulate` makes, one of each kind. Of each: turns
a session, the share of turns that are followed, seconds between turns, the share that says an earlier one again, of the pairs
up to three turns apart those that do, the Jaccard likeness (letters, by threes) of the true pairs, those below .2 and those
verbatim, and the average precision that this likeness alone has.
"""

import argparse
import tempfile
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score
from truth import rows

from flows.simulation.place import Habits
from flows.simulation.world import simulate

REACH = 3
SILENCE = 300  # seconds that end a session where the log names none
MOST = 20_000  # turns that are looked at
GRAM = 3
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--kinds", default="command,dialogue,chat,search,mixed")
    asked = parser.parse_args()
    found = [(f.name, figures(f)) for f in asked.folders]
    with tempfile.TemporaryDirectory() as place:
        for kind in asked.kinds.split(","):
            habits = Habits(300, 7, 8_000, "2026-01-05", 6, 0.1, 0, 0.0, shape=kind)
            simulate(Path(place) / kind, None, 1, habits, None)
            found.append((f"simulate {kind}", figures(Path(place) / kind)))
    names = list(found[0][1])
    print("| log | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for name, told in found:
        print(f"| {name} | " + " | ".join(told.values()) + " |")


def figures(folder: Path) -> dict[str, str]:
    """The figures of one log, as text."""
    log = list(islice(rows(folder / "log.jsonl.gz"), MOST))
    before = {t["turn_id"]: t["rephrase_of"] for t in rows(folder / "truth.jsonl.gz")}
    sessions = _sessions(log)
    waits = [w for s in sessions for w in _waits(s)]
    likeness, hits = _pairs(sessions, before)
    true = likeness[hits]
    turns = sum(map(len, sessions))
    return {
        "turns a session, median": f"{np.median([len(s) for s in sessions]):.0f}",
        "followed": f"{1 - len(sessions) / turns:.2f}",
        "seconds between, median": f"{np.median(waits):.0f}" if waits else "-",
        "said again": f"{sum(before.get(r['turn_id']) is not None for r in log) / turns:.1%}",
        "of pairs": f"{hits.mean():.1%}",
        "Jaccard of true pairs, median": f"{np.median(true):.2f}" if len(true) else "-",
        "below .2": f"{(true < 0.2).mean():.0%}" if len(true) else "-",
        "verbatim": f"{(true == 1).mean():.0%}" if len(true) else "-",
        "Jaccard AP": f"{average_precision_score(hits, likeness):.2f}" if len(true) else "-",
    }


def _sessions(log: list[Row]) -> list[list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in sorted(log, key=lambda r: (r["timestamp"], r["turn_id"])):
        found.setdefault(row.get("session_id") or row["user_id"], []).append(row)
    return [part for turns in found.values() for part in _parted(turns)]


def _parted(turns: list[Row]) -> Iterator[list[Row]]:
    """The turns as they are where the log names sessions; else cut where somebody was silent for long."""
    start = 0
    for at, wait in enumerate(_waits(turns), start=1):
        if turns[at].get("session_id") is None and wait > SILENCE:
            yield turns[start:at]
            start = at
    yield turns[start:]


def _waits(session: list[Row]) -> Iterator[float]:
    moments = [np.datetime64(r["timestamp"][:23]) for r in session]
    yield from ((b - a) / np.timedelta64(1, "s") for a, b in pairwise(moments))


def _pairs(
    sessions: list[list[Row]], before: dict[str, str | None]
) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """The likeness of each candidate pair, and whether it says it again."""
    likeness, hits = [], []
    for session in sessions:
        grams = [_grams(r["utterance"]) for r in session]
        for at, row in enumerate(session):
            for back in range(max(0, at - REACH), at):
                both, either = grams[at] & grams[back], grams[at] | grams[back]
                likeness.append(len(both) / max(1, len(either)))
                hits.append(before.get(row["turn_id"]) == session[back]["turn_id"])
    return np.array(likeness), np.array(hits, bool)


def _grams(text: str) -> set[str]:
    padded = f" {text.lower()} "
    return {padded[i : i + GRAM] for i in range(len(padded) - GRAM + 1)}


if __name__ == "__main__":
    main()
