"""End to end on logs with known truth: time by stage, peak memory of the process tree, and quality.

usage: python benchmarks/end_to_end.py WORLD... [--runs N]

WORLD is a folder with log.jsonl.gz, seed.jsonl.gz, truth.jsonl.gz and test.jsonl.gz, as `sayagain simulate`
writes. Beside the worlds, `../bench/score.py` (how quality is counted) and `../bench/handscript.py` (the rival,
one engineer's afternoon) are used where they lie. Each is run N times in a process of its own; medians and
ranges are printed as Markdown. The first run of sayagain is cold: nothing in the home.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

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


@dataclass
class Measured:
    """Seconds and peak bytes of each run, and what the last one printed."""

    seconds: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)


def measure(command: list[str], into: Measured) -> None:
    """Run a command; note its wall time and the peak memory of it and its children, sampled."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        peak = max(peak, _tree(watched))
        time.sleep(0.02)
    into.seconds.append(time.perf_counter() - began)
    into.peak.append(peak)
    into.printed.append(process.stdout.read() if process.stdout else "")
    if process.returncode:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode}")


def _tree(process: psutil.Process) -> int:
    try:
        return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def race(world: Path, runs: int, folder: Path) -> None:
    bench = world.parent.parent / "bench"
    ours, rival = Measured(), Measured()
    for n in range(runs):
        home = folder / f"{world.name}-{n}"
        measure(
            [
                sys.executable,
                "-m",
                "flows",
                "run",
                str(world / "log.jsonl.gz"),
                "--home",
                str(home),
                "--engine",
                "duckdb",
                "--seed-data",
                str(world / "seed.jsonl.gz"),
                "--json",
            ],
            ours,
        )
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
        f"| seconds, median of {runs} (range) | {_range(ours.seconds)} | {_range(rival.seconds)} |"
    )
    print(f"| peak memory of the process tree, MiB | {_mib(ours)} | {_mib(rival)} |")
    stages = [json.loads(p)["seconds"] for p in ours.printed]
    for stage in stages[0]:
        print(f"| seconds: {stage.replace('_', ' ')} | {median(s[stage] for s in stages):.1f} | |")
    homes = [folder / f"{world.name}-0", folder / f"{world.name}-rival-0"]
    scores = [_score(bench, world, h) for h in homes]
    for figure in FIGURES:
        print(f"| {figure} | {scores[0].get(figure, '')} | {scores[1].get(figure, '')} |")
    worth = scores[0].get("worth", {})
    for locale, figures in worth.items() if len(worth) > 1 else ():
        print(
            f"| recovered, {locale} | {figures['recovered']} | {scores[1].get('worth', {}).get(locale, {}).get('recovered', '')} |"
        )


def _score(bench: Path, world: Path, home: Path) -> dict:
    if not (bench / "score.py").is_file() or not home.is_dir():
        return {}
    done = subprocess.run(
        [sys.executable, str(bench / "score.py"), str(world), str(home), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}


def _range(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})" if seconds else ""


def _mib(measured: Measured) -> str:
    return f"{max(measured.peak) / 2**20:.0f}" if measured.peak else ""


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
