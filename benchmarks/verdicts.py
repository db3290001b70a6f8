"""Are the verdicts honest? Worlds of dialogues from clear to hopeless, each with what its labels really are.

    python benchmarks/verdicts.py [--worlds 20] [--seed 90]

The worlds differ in how much the assistant mends, how people react, and what is logged; no prior was taught by them. `well` must never be said of
labels that are right less often than the hypotheses, nor `not at all` where they are better by .05.
"""

import argparse
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from truth import rows

from flows import runs, settings
from flows.pipeline import directly
from flows.simulation import variety
from warehouse.home import existing, read_training_set

BETTER = 0.05
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=90)
    asked = parser.parse_args()
    print(
        "| world | turns | verdict of labels | believed | labels right | hypotheses right | claimed | honest |"
    )
    print("|---|---|---|---|---|---|---|---|")
    lies = 0
    for number in range(asked.worlds):
        row = judged(asked.seed, number)
        lies += not row["honest"]
        print("| " + " | ".join(str(v) for v in row.values()) + " |", flush=True)
    print(f"\n{lies} of {asked.worlds} verdicts were not honest.")


def judged(seed: int, number: int) -> Row:
    """One world: the verdict on its labels, and the labels."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        variety.live(variety.draw(seed, number, ("dialogue",)), folder)
        request = runs.Request([str(folder / "log.jsonl.gz")], folder / "home")
        outcome = runs.run_night(request, settings.Settings(), directly)
        verdict = next(v["verdict"] for v in outcome.verdicts if v["subject"] == "labels")
        examples = read_training_set(existing(folder / "home"), str(outcome.training_set))
        if verdict == "not at all":
            examples = pl.read_parquet(
                folder / "home" / "lake" / "soft_labels" / "**" / "*.parquet"
            ).pipe(_best)
        return _row(folder, number, verdict, examples)


def _best(labels: pl.DataFrame) -> pl.DataFrame:
    """What would be taught if it were: the best label of each wording that is believed by half."""
    best = labels.sort("probability", descending=True).unique(["locale", "utterance"], keep="first")
    return best.filter(pl.col("probability") >= 0.5).select(
        "locale",
        "utterance",
        labels=pl.concat_list("label"),
        probabilities=pl.concat_list("probability"),
    )


def _row(folder: Path, number: int, verdict: str, examples: pl.DataFrame) -> Row:
    log = list(rows(folder / "log.jsonl.gz"))
    of = {t["turn_id"]: t for t in rows(folder / "truth.jsonl.gz")}
    meant: dict[str, Counter[str]] = defaultdict(Counter)
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for row in log:
        turn = of[row["turn_id"]]
        if turn["right"] is not None:
            meant[row["utterance"]][turn["intent"]] += 1
            heard[row["utterance"]][row["intent"]] += 1
    ours, theirs, claimed = [], [], []
    for row in examples.iter_rows(named=True):
        said = meant.get(row["utterance"])
        hypothesis = heard[row["utterance"]].most_common(1)[0][0] if said else None
        if said and hypothesis is not None:
            ours.append(said[row["labels"][0]] / said.total())
            theirs.append(said[hypothesis] / said.total())
            claimed.append(row["probabilities"][0])
    right, before = (float(np.mean(x)) if x else 0.0 for x in (ours, theirs))
    lie = (verdict == "well" and right < before) or (
        verdict == "not at all" and len(ours) > 0 and right >= before + BETTER
    )
    return {
        "world": number,
        "turns": len(log),
        "verdict": verdict,
        "believed": examples.height,
        "right": f"{right:.3f}",
        "hypotheses": f"{before:.3f}",
        "claimed": f"{np.mean(claimed):.3f}" if claimed else "",
        "honest": not lie,
    }


if __name__ == "__main__":
    main()
