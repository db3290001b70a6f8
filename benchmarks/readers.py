"""Readers who query without pause while nights are published: does one fail, wait, or see half a night?

usage: readers.py HOME [--nights 20] [--readers 8] [--queries 10000]

HOME must have been run; its state is copied under so many nights, each with other rows left out, so that every
night's warehouse has other counts. The readers ask the cookbook in turn, and after each question whether night
and counts belong together. First without, then while the nights are published one after the other.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from warehouse import queries
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.publish import build
from warehouse.tables import TABLES, Published, tables_of

K = 5
SPAWN = get_context("spawn")  # a fork of a process that used Polars may hang
COUNTED = ("variants", "clusters", "soft_labels", "rephrases", "intents", "runs", "decisions")
WHOLE = (
    "select night::varchar, "
    + ", ".join(f"(select count(*) from {view})" for view in COUNTED)
    + " from schema_version"
)


def nights_of(home: Path, root: Path, count: int) -> list[str]:
    """A home at `root` with so many nights, from the newest of another; the nights."""
    lake, copy = Lake(home / "lake"), Lake(root / "lake")
    copy.root.mkdir(parents=True)
    last = date.fromisoformat(lake.days("decisions")[-1])
    days = [(last + timedelta(days=n)).isoformat() for n in range(count)]
    history = tables_of(Published.HISTORY)
    for table in sorted({*tables_of(Published.NEWEST), *history}):
        rows = lake.newest(table, last.isoformat())
        for n, day in enumerate(days):
            kept = rows if table in history else rows.head(rows.height - n)
            if "night" in TABLES[table].column_names():
                kept = kept.with_columns(night=pl.lit(day))
            copy.put(table, day, kept)
    return days


def publish(root: Path, night: str) -> tuple[int, ...]:
    """Publish the warehouse as of a night; what it holds."""
    home = Home(root)
    draft = root / ".warehouse.draft.duckdb"
    build(home, Lake(home.lake), K, draft, night)
    counted = queries.ask_file(draft, WHOLE).row(0)
    with (root / "published.jsonl").open("a") as known:
        known.write(json.dumps(counted) + "\n")
    os.replace(draft, home.warehouse)
    return counted


def read(root: Path, number: int, stop: Path, out: Path) -> None:
    """Ask until told to stop; note the seconds of each question, and every state that was seen."""
    texts = [queries.named(name) for name in queries.names()]
    seconds, seen, failed, asked = [], set(), [], number
    while not stop.exists():
        asked += 1
        began = time.perf_counter()
        try:
            queries.ask(root, texts[asked % len(texts)])
        except Exception as error:  # noqa: BLE001
            failed.append(str(error))
        seconds.append(time.perf_counter() - began)
        seen.add(queries.ask(root, WHOLE).row(0))
    out.write_text(json.dumps({"seconds": seconds, "seen": sorted(seen), "failed": failed}))


def phase(root: Path, readers: int, work: object) -> dict:
    """What so many readers saw while `work` went on."""
    stop = root / "stop"
    stop.unlink(missing_ok=True)
    outs = [root / f"reader-{n}.json" for n in range(readers)]
    started = [
        SPAWN.Process(target=read, args=(root, 3 * n, stop, out)) for n, out in enumerate(outs)
    ]
    for process in started:
        process.start()
    work()  # type: ignore[operator]
    stop.touch()
    for process in started:
        process.join()
    found = [json.loads(out.read_text()) for out in outs]
    return {
        "seconds": np.array([s for f in found for s in f["seconds"]]),
        "seen": {tuple(s) for f in found for s in f["seen"]},
        "failed": [e for f in found for e in f["failed"]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--nights", type=int, default=20)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--queries", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        days = nights_of(asked.home, root, asked.nights)
        publish(root, days[0])
        took: list[float] = []

        def wait() -> None:
            time.sleep(60)

        def nights() -> None:
            began = time.perf_counter()
            while len(took) < asked.nights or time.perf_counter() - began < least:
                at = time.perf_counter()
                publisher = SPAWN.Process(target=publish, args=(root, days[len(took) % len(days)]))
                publisher.start()
                publisher.join()
                took.append(time.perf_counter() - at)

        alone = phase(root, asked.readers, wait)
        least = 60 * asked.queries / len(alone["seconds"]) * 1.3
        busy = phase(root, asked.readers, nights)
        known = {
            tuple(json.loads(line)) for line in (root / "published.jsonl").read_text().splitlines()
        }
        size = (root / "warehouse.duckdb").stat().st_size / 2**20
    for name, part in (("without", alone), ("while publishing", busy)):
        ms = 1000 * part["seconds"]
        print(
            f"{name}: {len(ms)} questions, median {np.median(ms):.0f} ms, 99th percentile"
            f" {np.percentile(ms, 99):.0f} ms, failed {len(part['failed'])}"
        )
    ratio = np.percentile(busy["seconds"], 99) / np.percentile(alone["seconds"], 99)
    half = busy["seen"] - known
    print(f"nights published: {len(took)}, {np.median(took):.1f} s each, {size:.1f} MiB")
    print(f"99th percentile, while publishing to without: {ratio:.2f}")
    print(f"states seen {len(busy['seen'])}, of them half a night: {len(half)}")
    if half or busy["failed"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
