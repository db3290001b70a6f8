"""How much of a cluster's mass keeps its id from night to night, beside HDBSCAN with ids matched by overlap.

usage: python benchmarks/stability.py [--nights 14] [--turns 28000]

A simulated log is run a night at a time, in one process, in one home. Kept: of the users of the wordings that
two nights in a row hold, the share whose wording has the cluster id that it had. HDBSCAN is fitted anew each
night on the same vectors (at the setting that is best by F1 on the last night, chosen by the truth); a cluster
takes the id of the one of the night before with which it shares most users, each id once, as ours did before.
F1 is B-cubed, by goal; noise is a cluster of its own.
"""

import argparse
import gzip
import itertools
import json
import tempfile
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from clusters import judged, noise_alone, numbers
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA
from truth import goal_of, intents

from flows import settings
from flows.night import up_to
from flows.pipeline import Night
from flows.simulation import place, world
from flows.steps.clustering import cluster_utterances
from mining.engines import choosing
from warehouse.home import create
from warehouse.lake import Lake

KEY = ["locale", "utterance"]
SETTINGS = [(2, "eom"), (2, "leaf"), (4, "eom"), (4, "leaf")]


def by_day(log: Path, folder: Path) -> list[Path]:
    lines = defaultdict(list)
    with gzip.open(log, "rt", encoding="utf8") as rows:
        for line in rows:
            lines[json.loads(line)["timestamp"][:10]].append(line)
    for day, mine in lines.items():
        (folder / f"{day}.jsonl").write_text("".join(mine), encoding="utf8")
    return sorted(folder.glob("*.jsonl"))


def refitted(rows: pl.DataFrame, least: int, method: str) -> pl.Series:
    """HDBSCAN a locale at a time."""
    found = []
    for (locale,), part in rows.group_by("locale", maintain_order=True):
        vectors = np.array(part["vector"].to_list(), np.float32)
        small = PCA(min(20, *vectors.shape), random_state=0).fit_transform(vectors)
        made = HDBSCAN(min_cluster_size=least, cluster_selection_method=method, copy=True)
        found += [f"{locale}-{n}" for n in noise_alone(made.fit_predict(small))]
    return pl.Series(found)


def matched(now: pl.DataFrame, before: pl.DataFrame, number: int) -> pl.DataFrame:
    """`now` with the ids of `before` (`cluster_id`) by largest overlap, each once."""
    shared = (
        now.join(before.select(*KEY, old="cluster_id"), on=KEY)
        .group_by("cluster_id", "old")
        .agg(pl.col("users").sum())
        .sort("users", "old", "cluster_id", descending=[True, False, False])
        .unique("cluster_id", keep="first", maintain_order=True)
        .unique("old", keep="first", maintain_order=True)
        .drop("users")
    )
    fresh = pl.format("{}-{}", pl.lit(str(number)), "cluster_id")
    return now.join(shared, on="cluster_id", how="left").with_columns(
        cluster_id=pl.coalesce("old", fresh)
    )


def kept(now: pl.DataFrame, before: pl.DataFrame) -> float:
    both = now.join(before.select(*KEY, old="cluster_id"), on=KEY)
    return float(
        both.select((pl.col("users") * (pl.col("cluster_id") == pl.col("old"))).sum()).item()
        / both["users"].sum()
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--nights", type=int, default=14)
    arguments.add_argument("--turns", type=int, default=28_000)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        habits = place.Habits(
            users=240,
            days=asked.nights,
            turns=asked.turns,
            start="2026-01-05",
            seeds_per_intent=6,
            refine=0.1,
            robots=1,
            liars=0.0,
        )
        world.simulate(folder / "world", None, 1, habits, None)
        logs = by_day(folder / "world" / "log.jsonl.gz", folder)
        goal, intent = goal_of(folder / "world"), intents(folder / "world")
        home = create(folder / "home")
        lake, nights = Lake(home.lake), []
        with choosing.opened("duckdb", home.root / "scratch", None) as engine:
            for log in logs:
                today = date.fromisoformat(log.stem)
                learning = Night(home, settings.Settings(), engine, today, logs=(log,))
                up_to(cluster_utterances, learning)
                rows = lake.newest("clusters").join(lake.newest("embeddings"), on=KEY).sort(KEY)
                nights.append(rows.select(*KEY, "users", "cluster_id", "vector"))
        last = nights[-1]
        told = pl.Series([k in goal for k in last.select(KEY).iter_rows()], dtype=pl.Boolean)

        def quality(ids: pl.Series) -> float:
            keys = list(last.filter(told).select(KEY).iter_rows())
            goals, meant = numbers([goal[k] for k in keys]), numbers([intent[k] for k in keys])
            return judged(numbers(ids.filter(told).to_list()), goals, meant)["F1"]

        best = max(SETTINGS, key=lambda s: quality(refitted(last, *s)))
        theirs: list[pl.DataFrame] = []
        for number, rows in enumerate(nights):
            fitted = rows.with_columns(cluster_id=refitted(rows, *best))
            theirs.append(matched(fitted, theirs[-1], number) if theirs else fitted)
        print("| | kept, median of nights (range) | F1 on the last night |\n|---|---|---|")
        for name, history in (
            (f"sayagain, {len(nights)} nights", nights),
            (f"HDBSCAN {best}", theirs),
        ):
            each = [kept(b, a) for a, b in itertools.pairwise(history)]
            f1 = quality(history[-1]["cluster_id"])
            print(
                f"| {name} | {np.median(each):.3f} ({min(each):.3f} to {max(each):.3f}) | {f1:.3f} |"
            )
            print(f"<!-- {' '.join(f'{e:.3f}' for e in each)} -->")


if __name__ == "__main__":
    main()
