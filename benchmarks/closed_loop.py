"""The loop closed: cycles of people, a night, and a retraining where it pays; then people talk to what serves.

usage: python benchmarks/closed_loop.py [MASSIVE_FILE] [--cycles 8] [--turns 12000] [--users 1000] [--seeds 20]

MASSIVE_FILE is a locale of MASSIVE as it is published (JSON lines with `utt`, `annot_utt` and `intent`); without it the five
languages of `simulate` speak. Recovered is the share of the way from seed data alone to the same trainer on the true label of all
that was said in all cycles; flips are test utterances that were right before a promotion and are wrong after it.
"""

import argparse
import tempfile
import time
from pathlib import Path

from massive import corpus_of

from flows.pipeline import directly
from flows.settings import Settings
from flows.simulation import loop, world
from flows.simulation.place import Habits
from warehouse.home import existing


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("massive", type=Path, nargs="?")
    arguments.add_argument("--cycles", type=int, default=8)
    arguments.add_argument("--turns", type=int, default=12_000)
    arguments.add_argument("--users", type=int, default=1_000)
    arguments.add_argument("--seeds", type=int, default=20)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(asked, Path(folder))


def show(asked: argparse.Namespace, folder: Path) -> None:
    began = time.perf_counter()
    corpus = corpus_of(asked.massive, folder / "corpus.jsonl") if asked.massive else None
    habits = Habits(asked.users, 7, asked.turns, "2026-01-05", asked.seeds, 0.1, 1, 0.0)
    places = world.settled(corpus, 1, habits, None)
    out = folder / "out"
    rows = []
    for row in loop.run(out, places, habits, loop.Loop(asked.cycles), Settings(), directly):
        rows.append(row)
        print(f"# {time.perf_counter() - began:.0f} s: {row['cycle']}, {row['right']}", flush=True)
    ceiling = loop.annotated(out, existing(out / "home"), places, Settings())
    seconds = time.perf_counter() - began
    print(f"\n{asked.massive.name if asked.massive else 'simulate'}: {seconds:.0f} s\n")
    print("| cycle | turns | wrong | right of test | recovered | flips | rewrites | withdrawn | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row, recovered in zip(rows, loop.recovered(rows, ceiling), strict=True):
        did = "promoted" if row["promoted"] else "refused" if row["retrained"] else "waited"
        print(
            f"| {row['cycle']} | {row['turns']} | {row['wrong_share']:.3f} | {row['right']:.4f}"
            f" | {recovered:.3f} | {row['flips']:.2%} | {row['fixes']} | {row['withdrawn']} | {did} |"
        )
    print(f"\nseed data alone: {rows[0]['right_before']:.4f}; true labels: {ceiling:.4f}")


if __name__ == "__main__":
    main()
