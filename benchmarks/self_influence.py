"""What a miner does to itself, day after day: a small world, a night a day, in one process.

usage: python benchmarks/self_influence.py [--cycles 120] [--turning 60]

The assistant learns nothing here but rewrites (nothing is retrained), so that each fix erases the evidence that made it. On the
day `--turning` an update of the assistant understands the wordings that are rewritten and said most, and breaks what runs in their place: those
fixes go bad. As many other wordings come to mean something else. Once with arms (a fifth of a fix's turns held out at first, one in twenty in
the end), once without.

A toggle is a rewrite of a wording that ends and begins again, to whatever target, while it is true: the rewrite runs what was
meant, and leaving the wording alone does not. Wordings count that were said on a day of two at least.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from flows.pipeline import directly
from flows.settings import Settings
from flows.simulation import loop, world
from flows.simulation.corpus import language
from flows.simulation.people import goals
from flows.simulation.place import Habits
from warehouse.home import existing
from warehouse.lake import Lake

GOALS, WAYS = 18, 8  # of the world
HABITS = Habits(100, 1, 400, "2026-01-05", 2, 0.05, 0, 0.0)
SETTINGS = Settings.model_validate(
    {"mining": {"window_days": 21}, "trigger": {"min_examples": 10**9}}
)


def small_corpus(place: Path) -> Path:
    """Few goals, each with few wordings, so that each is said every day."""
    chosen = [ways[:WAYS] for ways in goals(language("en-GB").wordings) if len(ways) >= WAYS]
    step = max(1, len(chosen) // GOALS)
    with place.open("w", encoding="utf8") as out:
        for wording in (w for ways in chosen[::step][:GOALS] for w in ways):
            row = {"locale": "en-GB", "utterance": wording.utterance, "intent": wording.intent}
            out.write(json.dumps(row | {"slots": dict(wording.slots)}) + "\n")
    return place


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--cycles", type=int, default=120)
    arguments.add_argument("--turning", type=int, default=60)
    asked = arguments.parse_args()
    print(
        "| | true fixes | toggles | most of one | wrong before | wrong after | bad fixes"
        " | withdrawn after days | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for holdout in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            show(Path(folder), asked.cycles, asked.turning, holdout=holdout)


def show(folder: Path, cycles: int, turning: int, *, holdout: bool) -> None:
    began = time.perf_counter()
    places = world.settled(small_corpus(folder / "corpus.jsonl"), 1, HABITS, None)
    asked = loop.Loop(cycles, holdout=holdout, turning=turning)
    out = folder / "out"
    rows = list(loop.run(out, places, HABITS, asked, SETTINGS, directly))
    seconds = time.perf_counter() - began
    lake = Lake(existing(out / "home").lake)
    runs = [
        {r["source"]: r["target"] for r in lake.read("rewrites", [row["night"]]).to_dicts()}
        for row in rows
    ]
    true = true_fixes(out, runs, rows, turning)
    toggles = {source: toggled(runs, source, true[source]) for source in true}
    bad = [u for row in rows for _, u in row["turned"]]
    waited = [days_until_withdrawn(runs, source, turning) for source in bad]
    half = [r["wrong_share"] for r in rows if r["cycle"] < turning][-20:]
    rest = [r["wrong_share"] for r in rows][-20:]
    print(
        f"| {'arms' if holdout else 'no arms'} | {len(true)} | {sum(toggles.values())}"
        f" | {max(toggles.values(), default=0)} | {sum(half) / len(half):.3f}"
        f" | {sum(rest) / len(rest):.3f} | {len(bad)} | {waited} | {seconds:.0f} |",
        flush=True,
    )


def true_fixes(out: Path, runs: list[dict], rows: list[dict], turning: int) -> dict[str, set[int]]:
    """Of each wording the days on which a rewrite of it would be true: people mean what the target is
    taken for by the assistant, and not what the wording is."""
    heard: tuple[dict, dict] = (defaultdict(Counter), defaultdict(Counter))
    meant: list[dict[str, Counter]] = []
    for row in rows:
        name = f"cycle-{row['cycle']:03}.jsonl.gz"
        log, truth = (read(out / part / name) for part in ("logs", "truth"))
        today: dict[str, Counter] = defaultdict(Counter)
        for said, true in zip(log, truth, strict=True):
            ran = said.get("executed_utterance") or said["utterance"]
            heard[row["cycle"] >= turning][ran][said["n_best"][0]["intent"]] += 1
            if true["intent"]:
                today[said["utterance"]][true["intent"]] += 1
        meant.append(today)
    takes = [{u: counts.most_common(1)[0][0] for u, counts in h.items()} for h in heard]
    found: dict[str, set[int]] = {}
    for source in {source for run in runs for source in run}:
        targets = {run[source] for run in runs if source in run}
        days = {
            n
            for n, today in enumerate(meant)
            if source in today
            and (now := takes[n + 1 >= turning]).get(source)
            != (wish := today[source].most_common(1)[0][0])
            and all(now.get(t) == wish for t in targets)
        }
        said = sum(source in today for today in meant)
        if days and said >= len(rows) / 2:
            found[source] = days
    return found


def toggled(runs: list[dict], source: str, true: set[int]) -> int:
    """Times that the wording's rewrite ended while it was true, and began again later."""
    on = [source in run for run in runs]
    ends = [n for n in range(1, len(on)) if on[n - 1] and not on[n] and {n - 1, n} & true]
    return sum(any(on[n:]) for n in ends)


def days_until_withdrawn(runs: list[dict], source: str, turning: int) -> int | None:
    """Days from the turn on with the bad rewrite; null where it runs to the end."""
    target = runs[turning - 2].get(source)
    later = [n for n, run in enumerate(runs[turning - 1 :], 1) if run.get(source) != target]
    return later[0] if later else None


def read(place: Path) -> list[dict]:
    with gzip.open(place, "rt", encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
