"""Audits: whether intervals hold the truth as often as they say, and whether beliefs that were made too sure are found and
bent.

    python benchmarks/audits.py intervals [--audits N]
    python benchmarks/audits.py world WORLD HOME [--audits N]

Intervals: populations of a few hundred to a few thousand rows whose turns are lognormal and whose beliefs are drawn as
those of labels, failures and pairs lie; what is right is drawn from the beliefs bent by a shift and a stretch of their own, and
noise. WORLD is a log with truth, HOME a home of one night of it: its labels are audited as they are, and with their log
odds doubled and tripled, by persons who know the truth; each audit with another start. The error is the mean distance, by turns, of what is
believed from what is so among labels believed alike (twenty bands of as many turns).
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import expit, logit
from truth import intents

from aggregation.audit.estimate import Answers, Estimate, bending, estimated
from aggregation.audit.sampling import systematic
from aggregation.training_set import best
from warehouse.home import existing
from warehouse.lake import Lake

ROWS = (60, 240)  # for a world; intervals are of the first
LIE = {"labels": (6, 0.8), "failures": (0.4, 2.5), "pairs": (0.5, 0.5), "rewrites": (30, 1)}
BANDS = 20


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("what", choices=["intervals", "world"])
    arguments.add_argument("folders", nargs="*", type=Path, metavar="WORLD HOME")
    arguments.add_argument("--audits", type=int, default=2_000)
    asked = arguments.parse_args()
    if asked.what == "intervals":
        intervals(asked.audits)
    else:
        world(*asked.folders, asked.audits)


def intervals(audits: int) -> None:
    print("| beliefs as of | audits | intervals that hold the truth | mean width | mean error |")
    print("|---|---|---|---|---|")
    rng, every = np.random.default_rng(0), []
    for name, (a, b) in LIE.items():
        found = [_audited(rng, a, b) for _ in range(audits // len(LIE))]
        every += found
        print(_row(name, found))
    print(_row("all", every))


def _audited(rng: np.random.Generator, a: float, b: float) -> tuple[Estimate, float]:
    rows = int(rng.integers(300, 6_000))
    turns = np.ceil(rng.lognormal(0, 1.2, rows))
    beliefs = rng.beta(a, b, rows).clip(1e-4, 1 - 1e-4)
    odds = rng.normal(0, 0.6) + rng.uniform(0.5, 1.3) * logit(beliefs) + rng.normal(0, 0.5, rows)
    right = rng.random(rows) < expit(odds)
    return _audit(beliefs, turns, right, rng.random())[0], float(np.average(right, weights=turns))


def _audit(
    beliefs: np.ndarray, turns: np.ndarray, right: np.ndarray, start: float, rows: int = ROWS[0]
) -> tuple[Estimate, np.ndarray]:
    """The estimate, and all beliefs as the answers bend them."""
    drawn = systematic(beliefs, turns, np.full(len(beliefs), ""), rows, start)
    at = drawn.places
    answers = Answers(beliefs[at], right[at], turns[at], drawn.expected)
    believed = float(np.average(beliefs, weights=turns))
    bend = bending(beliefs[at], right[at])
    return estimated(answers, believed, float(turns.sum())), bend(beliefs)


def _row(name: str, found: list[tuple[Estimate, float]]) -> str:
    holds = np.mean([e.at_least <= truth <= e.at_most for e, truth in found])
    width = np.mean([e.at_most - e.at_least for e, _ in found])
    off = np.mean([e.share - truth for e, truth in found])
    return f"| {name} | {len(found)} | {holds:.3f} | {width:.3f} | {off:+.4f} |"


def world(log: Path, home: Path, audits: int) -> None:
    lake, truth = Lake(existing(home).lake), intents(log)
    said = lake.newest("utterance_stats").select("locale", "utterance", "turns")
    labels = best(lake.newest("soft_labels")).join(said, on=["locale", "utterance"])
    names = pl.Series([truth.get(w) for w in labels.select("locale", "utterance").iter_rows()])
    known = labels.with_columns(truth=names).drop_nulls("truth")
    right = (known["label"] == known["truth"]).to_numpy()
    turns = known["turns"].to_numpy().astype(float)
    held = known["probability"].to_numpy().clip(1e-6, 1 - 1e-6)
    true = float(np.average(right, weights=turns))
    print(
        "| log odds times | rows | audits | intervals that hold the truth | called off | error before | after |"
    )
    print("|---|---|---|---|---|---|---|")
    for times, rows in product((1, 2, 3), ROWS):
        rng, beliefs = np.random.default_rng(1), expit(times * logit(held))
        found = [_audit(beliefs, turns, right, rng.random(), rows) for _ in range(audits)]
        holds = np.mean([e.at_least <= true <= e.at_most for e, _ in found])
        off = np.mean([not np.allclose(bent, beliefs) for _, bent in found])
        after = np.array([_error(bent, turns, right) for _, bent in found])
        quartiles = " to ".join(f"{q:.4f}" for q in np.quantile(after, [0.25, 0.75]))
        told = f"{np.median(after):.4f} ({quartiles})"
        before = _error(beliefs, turns, right)
        print(f"| {times} | {rows} | {audits} | {holds:.3f} | {off:.3f} | {before:.4f} | {told} |")


def _error(beliefs: np.ndarray, turns: np.ndarray, right: np.ndarray) -> float:
    order = np.argsort(beliefs, kind="stable")
    reached = turns[order].cumsum() / turns.sum()
    bands = np.minimum((reached * BANDS).astype(int), BANDS - 1)
    off = np.bincount(bands, turns[order] * (beliefs - right)[order], BANDS)
    return float(np.abs(off).sum() / turns.sum())


if __name__ == "__main__":
    main()
