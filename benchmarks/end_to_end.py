"""End to end on logs with known truth: time by stage, peak memory of the process tree, and quality.

usage: python benchmarks/end_to_end.py WORLD... [--runs N]

WORLD is a folder with log.jsonl.gz, seed.jsonl.gz, truth.jsonl.gz and test.jsonl.gz, as `sayagain simulate`
writes. Beside the worlds, `../bench/score.py` (how quality is counted) and `../bench/handscript.py` (the rival,
one engineer's afternoon) are used where they lie. Each is run N times in a process of its own; medians and
ranges are printed as Markdown. The first run of sayagain is cold: nothing in the home.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from measuring import Measured, a_night, measure, mib, scored, spread

FIGURES = [
    "rephrase_AP",
    "rephrase_best_F1",
    "rephrase_ECE",
    "win_loss",
    "defect_reduction",
    "label_accuracy",
    "coverage",
    "label_accuracy_weighted",
    "label_ECE",
    "recovered_mean",
]


def race(world: Path, runs: int, folder: Path) -> None:
    bench = world.parent.parent / "bench"
    ours, rival = Measured(), Measured()
    for n in range(runs):
        home = folder / f"{world.name}-{n}"
        measure(a_night(world, home), ours)
        if (bench / "handscript.py").is_file():
            theirs = folder / f"{world.name}-rival-{n}"
            theirs.mkdir()
            measure(
                [
                    sys.executable,
                    str(bench / "handscript.py"),
                    str(world / "log.jsonl.gz"),
                    str(theirs),
                ],
                rival,
            )
    print(f"\n### {world.name}\n")
    print("| | sayagain | rival |\n|---|---|---|")
    print(
        f"| seconds, median of {runs} (range) | {spread(ours.seconds)} | {spread(rival.seconds)} |"
    )
    print(f"| peak memory of the process tree, MiB | {mib(ours)} | {mib(rival)} |")
    stages = [json.loads(p)["seconds"] for p in ours.printed]
    for stage in stages[0]:
        print(f"| seconds: {stage.replace('_', ' ')} | {median(s[stage] for s in stages):.1f} | |")
    homes = [folder / f"{world.name}-0", folder / f"{world.name}-rival-0"]
    scores = [scored(bench, world, h) for h in homes]
    for figure in FIGURES:
        print(f"| {figure} | {scores[0].get(figure, '')} | {scores[1].get(figure, '')} |")
    worth = scores[0].get("worth", {})
    for locale, figures in worth.items() if len(worth) > 1 else ():
        print(
            f"| recovered, {locale} | {figures['recovered']} | {scores[1].get('worth', {}).get(locale, {}).get('recovered', '')} |"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("worlds", nargs="+", type=Path, metavar="WORLD")
    arguments.add_argument("--runs", type=int, default=3)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for world in asked.worlds:
            race(world.resolve(), asked.runs, Path(folder))


if __name__ == "__main__":
    main()
