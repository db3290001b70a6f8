"""How a night grows with its log: seconds and peak memory by step, for logs of so many million turns in a window of DAYS.

usage: python benchmarks/scale.py MILLIONS... [--days 30] [--engine duckdb] [--folder build/scale] [--full]

A log of simulated people for each size (`sayagain simulate`), a file a day. Measured are a first night of all days but the
last, a further night of the last day, and with --full that night once more, learning everything. Memory is what `sayagain`
itself holds, and what its children do (Spark's Java, its Python workers), sampled. Printed as Markdown.
"""

import argparse
import gzip
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STEP = re.compile(r"^(\w[\w ]*\w) +(\d+\.\d) s")
PEOPLE = 150  # turns of a user


@dataclass
class Night:
    """Seconds of each step, and the peak bytes of the process and of its children in it; the whole is under `all`."""

    seconds: dict[str, float] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)


def world(millions: float, days: int, folder: Path) -> Path:
    """A simulated log, a file a day in `days`; made once."""
    place = folder / f"{millions:g}m-{days}d"
    if (place / "days").is_dir():
        return place
    turns = round(millions * 1_000_000)
    sayagain(
        *("simulate", "--out", str(place), "--turns", str(turns), "--days", str(days)),
        *("--users", str(max(120, turns // PEOPLE // 5))),
    )
    draft = place / "days.draft"
    draft.mkdir()
    files = {}
    with ExitStack() as opened:
        for line in opened.enter_context(gzip.open(place / "log.jsonl.gz", "rt", encoding="utf8")):
            day = re.search(r'"timestamp": "([\d-]{10})', line)[1]
            if day not in files:
                files[day] = opened.enter_context(
                    gzip.open(draft / f"{day}.jsonl.gz", "wt", 1, encoding="utf8")
                )
            files[day].write(line)
    draft.rename(place / "days")
    return place


def sayagain(*asked: str) -> None:
    subprocess.run([sys.executable, "-m", "flows", *asked], check=True, stdout=subprocess.DEVNULL)


def night(logs: list[Path], home: Path, *asked: str) -> Night:
    """One night, watched."""
    command = [sys.executable, "-m", "flows", "run", *map(str, logs), "--home", str(home), "-v"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, *asked], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    told, since = Night(), {"own": 0, "children": 0}
    done = threading.Event()
    watching = threading.Thread(target=_watch, args=(process.pid, since, done))
    watching.start()
    assert process.stdout
    for line in process.stdout:
        if found := STEP.match(line):
            told.seconds[found[1]] = float(found[2])
            told.own[found[1]], told.children[found[1]] = since["own"], since["children"]
            since.update(own=0, children=0)
    process.wait()
    done.set()
    watching.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode}")
    told.seconds["all"] = time.perf_counter() - began
    told.own["all"] = max(told.own.values())
    told.children["all"] = max(told.children.values())
    return told


def _watch(pid: int, since: dict[str, int], done: threading.Event) -> None:
    """Keep the peaks until the night is done."""
    watched = psutil.Process(pid)
    while not done.wait(0.05):
        try:
            since["own"] = max(since["own"], watched.memory_info().rss)
            rest = sum(p.memory_info().rss for p in watched.children(recursive=True))
            since["children"] = max(since["children"], rest)
        except psutil.Error:
            continue


def race(millions: float, days: int, engine: str, folder: Path, *, full: bool) -> None:
    place = world(millions, days, folder)
    logs = sorted((place / "days").glob("*.jsonl.gz"))[:days]
    home, seed = place / f"home-{engine}", ("--seed-data", str(place / "seed.jsonl.gz"))
    shutil.rmtree(home, ignore_errors=True)
    nights = {
        "first": night(logs[:-1], home, "--engine", engine, *seed),
        "further": night(logs[-1:], home, "--engine", engine),
    }
    if full:
        nights["full"] = night(logs[-1:], home, "--engine", engine, "--full")
    print(f"\n### {millions:g} million turns, {engine}\n")
    print("| |" + "".join(f" {n}: s | MiB | children |" for n in nights))
    print("|---|" + "---|---|---|" * len(nights))
    for step in nights["first"].seconds:
        print(f"| {step} |" + "".join(_told(n, step) for n in nights.values()), flush=True)


def _told(told: Night, step: str) -> str:
    if step not in told.seconds:
        return " | | |"
    own, children = (held[step] / 2**20 for held in (told.own, told.children))
    return f" {told.seconds[step]:.1f} | {own:.0f} | {children:.0f} |"


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("millions", nargs="+", type=float, metavar="MILLIONS")
    arguments.add_argument("--days", type=int, default=30)
    arguments.add_argument("--engine", default="duckdb", choices=["duckdb", "spark"])
    arguments.add_argument("--folder", type=Path, default=Path("build/scale"))
    arguments.add_argument("--full", action="store_true")
    asked = arguments.parse_args()
    for millions in asked.millions:
        race(millions, asked.days, asked.engine, asked.folder, full=asked.full)


if __name__ == "__main__":
    main()
