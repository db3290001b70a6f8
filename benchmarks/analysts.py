"""What an analyst waits for on a large home: the warehouse, every question of the cookbook, `explain`, the report.

usage: analysts.py HOME [--nights 30]

HOME must have been run, once over all of its days. The state tables of its newest night are copied under the
nights before, so that it is as large as if every one had been run. Medians of five, after one that is not counted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import polars as pl

from warehouse import queries
from warehouse.home import existing
from warehouse.lake import Lake
from warehouse.publish import publish
from warehouse.report import page
from warehouse.tables import Grain, tables_of

K = 5


def nights_before(lake: Lake, count: int) -> None:
    """Copy the newest night's state under the nights before, where they have none."""
    last = lake.days("decisions")[-1]
    days = [(date.fromisoformat(last) - timedelta(days=n)).isoformat() for n in range(1, count)]
    for table in tables_of(Grain.NIGHT):
        for day in sorted(set(days) - set(lake.days(table))):
            rows = lake.read(table, [last])
            if "night" in rows.columns:
                rows = rows.with_columns(night=pl.lit(day))
            lake.put(table, day, rows)


def timed(work: Callable[[], object], times: int = 5) -> list[float]:
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def told(name: str, seconds: list[float]) -> None:
    print(f"{name}: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})", flush=True)


def explained(root: Path, *words: str) -> Callable[[], object]:
    command = [sys.executable, "-m", "flows", "explain", "--home", str(root), "--json", *words]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--nights", type=int, default=30)
    asked = parser.parse_args()
    home = existing(asked.home)
    lake = Lake(home.lake)
    nights_before(lake, asked.nights)
    turns = sum(
        pl.scan_parquet(f).select(pl.len()).collect().item()
        for f in lake.files("turns", lake.days("turns"))
    )
    said = lake.newest("utterance_stats")
    print(f"{len(lake.days('decisions'))} nights, {turns:,} turns, {said.height:,} wordings")
    told("warehouse built", timed(lambda: publish(home, lake, K), 3))
    print(f"warehouse: {home.warehouse.stat().st_size / 2**20:.1f} MiB")
    by_query = {
        n: timed(lambda n=n: queries.ask(asked.home, queries.named(n))) for n in queries.names()
    }
    slowest = max(by_query, key=lambda n: median(by_query[n]))
    told(f"slowest of {len(by_query)} questions, {slowest}", by_query[slowest])
    told("report", timed(lambda: page.render(asked.home), 3))
    with tempfile.NamedTemporaryFile("w", suffix=".html") as out:
        out.write(page.render(asked.home))
        out.flush()
        print(f"report: {Path(out.name).stat().st_size / 2**20:.2f} MiB")
    ranked = said.sort("users", "utterance", "locale", descending=[True, False, False])
    often, seldom = ranked.row(0, named=True), ranked.row(-1, named=True)
    for name, row in (("the most said wording", often), ("one said once", seldom)):
        told(
            f"explain {name}",
            timed(explained(asked.home, row["utterance"], "--locale", row["locale"])),
        )
    fix = lake.newest("rewrite_experiments").sort("users", descending=True).row(0, named=True)
    told(
        "explain a rewrite",
        timed(
            explained(
                asked.home, fix["source"], "--locale", fix["locale"], "--target", fix["target"]
            )
        ),
    )
    largest = lake.newest("clusters").group_by("cluster_id").len().sort("len", "cluster_id")
    told(
        "explain the largest cluster",
        timed(explained(asked.home, "--cluster", largest["cluster_id"][-1])),
    )
    told(
        "explain a decision", timed(explained(asked.home, "--decision", lake.days("decisions")[-1]))
    )


if __name__ == "__main__":
    main()
