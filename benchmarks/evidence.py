"""What mining finds where fields of the log are missing, and where people have other habits.

usage: python benchmarks/evidence.py WORLD

WORLD is a folder with log.jsonl.gz and truth.jsonl.gz; fields are dropped from its log, one at a time and
all together. More logs are made with `sayagain simulate`: the same, and people with other habits.
Quality is counted by `../bench/score.py` beside the worlds. The steps of mining run in this process, on
the DuckDB engine; those of the labels do not.
"""

import gzip
import json
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from measuring import scored
from sklearn.metrics import roc_auc_score

from flows.night import up_to
from flows.pipeline import Night
from flows.settings import Settings
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from flows.steps.failures import judge_turns
from mining.engines.duckdb_engine import DuckdbEngine
from warehouse.home import create
from warehouse.lake import Lake

START = date(2026, 1, 5)
DROPPED = ["outcome", "confidence", "n_best", "intent"]
SIMULATED = ["response", "session_id", "slots", "interrupted"]
HABITS = {
    "as they are": {},
    "people hardly retry (--reformulation-rate 0.15)": {"again": 0.15},
    "people chat fast (--pace 0.3)": {"pace": 0.3},
    "a third are refinements (--refine 0.5)": {"refine": 0.5},
}
FIGURES = ["rephrase_AP", "rephrase_best_F1", "rephrase_ECE", "win_loss", "defect_reduction"]
FIGURES += ["defect_AUC", "defect_ECE"]


def mined(log: Path, home: Path) -> None:
    """The steps of a night up to the rewrites."""
    engine = DuckdbEngine(home / "scratch")
    up_to(judge_turns, Night(create(home), Settings(), engine, START, logs=(log,)))
    engine.close()


def judged(world: Path, home: Path) -> dict[str, float]:
    """How well failed turns are told: a turn failed where what was executed is not what was meant.
    Calibration error over ten bins, and the area under the ROC curve."""
    with gzip.open(world / "truth.jsonl.gz", "rt", encoding="utf8") as rows:
        meant = {t["turn_id"]: t["intent"] for t in map(json.loads, rows) if t["right"] is not None}
    with gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as rows:
        executed = {t["turn_id"]: t["intent"] for t in map(json.loads, rows)}
    found = Lake(home / "lake").read("defects").filter(pl.col("turn_id").is_in(list(meant)))
    failed = np.array([executed[t] != meant[t] for t in found["turn_id"]])
    p = found["p_defect"].to_numpy()
    bins = np.minimum((p * 10).astype(int), 9)
    off = [
        abs(failed[bins == b].mean() - p[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return {"defect_AUC": round(roc_auc_score(failed, p), 4), "defect_ECE": round(sum(off), 4)}


def without(log: Path, fields: list[str], out: Path) -> Path:
    with gzip.open(log, "rt", encoding="utf8") as rows, out.open("w", encoding="utf8") as kept:
        for row in map(json.loads, rows):
            kept.write(json.dumps({k: v for k, v in row.items() if k not in fields}) + "\n")
    return out


def row(name: str, world: Path, fields: list[str], bench: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        log = without(world / "log.jsonl.gz", fields, Path(folder) / "log.jsonl")
        mined(log, home)
        found = scored(bench, world, home) | judged(world, home)
    print(f"| {name} | " + " | ".join(str(found.get(f, "")) for f in FIGURES) + " |", flush=True)


def main() -> None:
    world = Path(sys.argv[1]).resolve()
    bench = world.parent.parent / "bench"
    print("| log | " + " | ".join(FIGURES) + " |")
    print("|---" * (len(FIGURES) + 1) + "|")
    row(world.name, world, [], bench)
    for dropped in [*([name] for name in DROPPED), DROPPED]:
        row(f"{world.name} without {', '.join(dropped)}", world, dropped, bench)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, habits) in enumerate(HABITS.items()):
            place = Path(folder) / str(number)
            simulate(
                place,
                None,
                0,
                Habits(
                    600,
                    14,
                    20_000,
                    "2026-01-05",
                    6,
                    **({"refine": 0.1} | habits),
                    robots=1,
                    liars=0.0,
                ),
                None,
            )
            row(f"simulated, {name}", place, [], bench)
            for dropped in [*([field] for field in SIMULATED), SIMULATED] if not habits else []:
                row(f"simulated, without {', '.join(dropped)}", place, dropped, bench)


if __name__ == "__main__":
    main()
