"""The solver's speed: votes of unknown reliability, many items, many labels.

usage: python benchmarks/em_speed.py [--rivals PYTHON] [--runs N]

Invented votes, eight sources of reliability 0.3 to 0.9, wrong ones anywhere. Beside ours: the barest one-coin model in
sparse NumPy, written here, with as many rounds as ours takes; and where PYTHON has it, crowd-kit at a size that it can do.
Then nights of votes on top of the largest, each solved alone given what the earlier ones told, against everything estimate
again. Medians of N runs, the first one apart; seconds, of the solving alone, a night's with finding its items' cells.
"""

import argparse
import resource
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import polars as pl
from labels import of_rival

from aggregation.label_model.dawid_skene import CastVotes, Cells, em

SOURCES = 8
SIZES = ((20_000, 77_000, 100), (500_000, 2_000_000, 300))  # items, votes, labels
NIGHTS = (2_000, 20_000, 200_000)  # votes
ROUNDS = 20

Cast = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # truth; item, source, label of votes


def invented(items: int, votes: int, labels: int) -> Cast:
    rng = np.random.default_rng(0)
    truth = rng.integers(labels, size=items)
    item = np.concatenate([np.arange(items), rng.integers(items, size=votes - items)])
    source = rng.integers(SOURCES, size=votes)
    honest = rng.random(votes) < np.linspace(0.3, 0.9, SOURCES)[source]
    label = np.where(honest, truth[item], rng.integers(labels, size=votes))
    return truth, item, source, label


def bare(cells: Cells, cell: np.ndarray, source: np.ndarray) -> np.ndarray:
    """One coin a source, by the book."""
    reliability = np.full(SOURCES, 0.7)
    count = np.bincount(source, minlength=SOURCES)
    first = cells.start[:-1]
    for _ in range(ROUNDS):
        odds = np.log(reliability * (cells.labels - 1) / (1 - reliability))
        score = np.bincount(cell, odds[source], len(cells.item))
        score = np.exp(score - np.maximum.reduceat(score, first)[cells.item])
        belief = score / np.add.reduceat(score, first)[cells.item]
        reliability = np.clip(np.bincount(source, belief[cell], SOURCES) / count, 0.01, 0.99)
    return belief


def timed(work: Callable[[], np.ndarray], runs: int) -> tuple[np.ndarray, float, list[float]]:
    """What it gives, seconds of the first run, seconds of the others."""
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        made = work()
        took.append(time.perf_counter() - began)
    return made, took[0], took[1:]


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rivals", metavar="PYTHON")
    arguments.add_argument("--runs", type=int, default=5)
    asked = arguments.parse_args()
    print("| items, votes, labels | solver | first, s | median, s (range) | accuracy |")
    print("|---|---|---|---|---|")
    for size in SIZES:
        race(size, asked.runs, asked.rivals if size == SIZES[0] else None)
    nights(SIZES[-1], asked.runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\npeak memory of the process, everything in it: {peak:.2f} GiB")


def race(size: tuple[int, int, int], runs: int, rivals: str | None) -> None:
    truth, item, source, label = invented(*size)
    cells = Cells.of(item, label, size[0], size[2])
    cell = cells.find(item, label)
    cast = CastVotes(cell, source, np.ones(len(item)))
    solvers = {
        "bare one coin": lambda: bare(cells, cell, source),
        "ours, one coin": lambda: em(cells, cast, SOURCES).belief,
        "ours, confusions": lambda: em(cells, cast, SOURCES, confusions=True).belief,
    }
    name = ", ".join(f"{n:,}" for n in size)
    for solver, work in solvers.items():
        belief, first, others = timed(work, runs)
        right = (cells.label[cells.best(belief)] == truth).mean()
        spread = f"{median(others):.2f} ({min(others):.2f} to {max(others):.2f})"
        print(f"| {name} | {solver} | {first:.2f} | {spread} | {right:.3f} |", flush=True)
    votes = pl.DataFrame({"utterance": item, "source": source, "label": label}).select(
        pl.lit("und").alias("locale"), pl.all().cast(pl.String)
    )
    for rival in ("DawidSkene", "OneCoinDawidSkene") if rivals else ():
        found, seconds = of_rival(rivals, rival, votes)
        best = found.sort("probability").unique("utterance", keep="last")
        place = best["utterance"].cast(pl.Int64).to_numpy()
        right = (best["label"].cast(pl.Int64).to_numpy() == truth[place]).mean()
        print(f"| {name} | crowd-kit {rival} | {seconds:.2f} | | {right:.3f} |", flush=True)


def nights(size: tuple[int, int, int], runs: int) -> None:
    print("\n| votes of the night | solved alone, s (range) | all solved again, s | same label |")
    print("|---|---|---|---|")
    for votes in NIGHTS:
        night(size, votes, runs)


def night(size: tuple[int, int, int], of_night: int, runs: int) -> None:
    items, votes, labels = size
    _, item, source, label = invented(items, votes + of_night, labels)
    cells = Cells.of(item, label, items, labels)  # as the night's votes left them
    cell = cells.find(item, label)
    ones = np.ones(len(item))
    earlier = em(cells, CastVotes(cell[:votes], source[:votes], ones[:votes]), SOURCES)

    def alone() -> np.ndarray:
        touched, place = np.unique(item[votes:], return_inverse=True)
        sizes = np.diff(cells.start)[touched]
        new = np.repeat(np.arange(len(touched)), sizes)
        kept = np.arange(len(new)) + (cells.start[touched] - np.cumsum(sizes) + sizes)[new]
        few = Cells.of(new, cells.label[kept], len(touched), labels)
        cast = CastVotes(few.find(place, label[votes:]), source[votes:], ones[votes:])
        return few.label[few.best(em(few, cast, SOURCES, earlier=earlier.at(kept)).belief)]

    def again() -> np.ndarray:
        belief = em(cells, CastVotes(cell, source, ones), SOURCES).belief
        return cells.label[cells.best(belief)]

    best, _, took = timed(alone, runs)
    whole, _, all_took = timed(again, runs)
    same = (best == whole[np.unique(item[votes:])]).mean()
    spread = f"{median(took):.4f} ({min(took):.4f} to {max(took):.4f})"
    print(f"| {of_night:,} | {spread} | {median(all_took):.2f} | {same:.4f} |", flush=True)


if __name__ == "__main__":
    main()
