"""Teaches the priors of pairs, failing turns and hypotheses by simulated worlds alone, and writes them beside their card.

    python -m flows.priors [--seed 7] [--workers 2]

First worlds of every kind teach which pairs say something again. Then others, in which the nights' own steps judged the
pairs by that, teach which turns failed, and further ones which hypotheses are right. What was taught is measured on worlds that
were held back. Two cores take half an hour.
"""

import argparse
import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
import polars as pl
import treelite
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

from flows import settings
from flows.night import HEARD
from flows.pipeline import Night, Reading
from flows.simulation import variety
from flows.steps.clustering import cluster_utterances
from flows.steps.embedding import embed_utterances
from flows.steps.intake import take_in
from flows.steps.rephrases import score_pairs
from mining import priors
from mining.engines.duckdb_engine import DuckdbEngine
from mining.failures import defects, hypothesis_features, turn_features
from mining.priors import Prior
from mining.rephrases import scoring
from mining.rephrases.features import Features, compare
from mining.rephrases.log import LogArrays
from warehouse.home import create

PLACE = Path(priors.__file__).parent
HELD = 7  # one world in so many is held back
# Signs of which more can only speak for it, and those of which more can only speak against it.
MORE = {
    "pairs": dict.fromkeys(
        [
            "alike",
            "tail",
            "excess",
            "contained",
            "contained tail",
            "jaccard",
            "jaccard tail",
            "rarest",
            "best of source",
            "best of target",
        ],
        1,
    ),
    "turns": dict.fromkeys(
        [
            "said again",
            "template is said again",
            "wording is said again",
            "intent is said again",
            "neighbours are said again",
        ],
        1,
    )
    | dict.fromkeys(("executed", "confidence", "outcome", "feedback"), -1),
    "hypotheses": dict.fromkeys(("served", "odds", "best", "worst", "like", "near"), 1),
}
MODELS = 4  # each taught by its own share of the worlds
OF_WORLDS = 2  # one in so many
TREES: dict[str, Any] = {
    "max_iter": 250,
    "learning_rate": 0.08,
    "max_leaf_nodes": 16,
    "max_features": 0.2,
    "min_samples_leaf": 100,
    "l2_regularization": 10.0,
    "early_stopping": False,
}


@dataclass(frozen=True)
class Lesson:
    """What one world teaches: features, what is true (0 to 1, nan where nobody can say), and the world's kind."""

    kind: str
    names: list[str]
    values: npt.NDArray[np.float32]
    truth: npt.NDArray[np.float64]


def pairs_of(seed: int, number: int) -> Lesson:
    """The pairs of a world; whether each says it again. Steps further along one chain are neither."""
    with tempfile.TemporaryDirectory() as folder:
        drawn, tonight = _taken_in(seed, number, Path(folder))
        ordered = scoring.in_order(_pairs(tonight))
        found = compare(ordered, LogArrays.of(_context(tonight)))
        gold, chain = _said_again(Path(folder))
        tonight.engine.close()
    sides = ordered.select("source_turn_id", "target_turn_id").rows()
    truth = [np.nan if p in chain and p not in gold else float(p in gold) for p in sides]
    return Lesson(drawn.kind, found.names, found.values, np.array(truth))


def turns_of(seed: int, number: int) -> Lesson:
    """The turns of a world; whether each failed its user."""
    with tempfile.TemporaryDirectory() as folder:
        drawn, tonight = _taken_in(seed, number, Path(folder))
        lake, day = tonight.lake, _up_to_neighbours(tonight)
        log = LogArrays.of(_context(tonight))
        found = turn_features.signs(
            log, lake.read("rephrase_events"), lake.read("neighbours", [day])
        )
        failed = _failed(Path(folder))
        tonight.engine.close()
    truth = np.array([failed.get(i, np.nan) for i in log.turns["turn_id"]])
    return Lesson(drawn.kind, found.names, found.values, truth)


def hypotheses_of(seed: int, number: int) -> Lesson:
    """The wordings of a world under the assistant's hypotheses; which share of their users each was right for."""
    with tempfile.TemporaryDirectory() as folder:
        drawn, tonight = _taken_in(seed, number, Path(folder))
        lake, day = tonight.lake, _up_to_neighbours(tonight)
        neighbours = lake.read("neighbours", [day])
        found = defects.defects(
            _context(tonight), lake.read("rephrase_events"), neighbours, lake.days("turns")
        )
        rows = defects.heard(lake.read("hypothesis_stats", [day]))
        features = hypothesis_features.signs(rows, defects.told(found), neighbours)
        failed = _failed(Path(folder))
        tonight.engine.close()
    right = found.with_columns(
        right=pl.Series([1 - failed.get(i, np.nan) for i in found["turn_id"]]).fill_nan(None)
    )
    by_user = right.group_by(*hypothesis_features.KEY, "user_id").agg(pl.col("right").mean())
    shares = by_user.group_by(hypothesis_features.KEY).agg(pl.col("right").mean())
    truth = rows.join(shares, on=hypothesis_features.KEY, how="left", maintain_order="left")[
        "right"
    ]
    return Lesson(drawn.kind, features.names, features.values, truth.to_numpy())


def _up_to_neighbours(tonight: Night) -> str:
    """The day on which the night told pairs, wordings and neighbours of the world."""
    day = tonight.lake.days("turns")[-1]
    for step in (*HEARD, embed_utterances, cluster_utterances):
        step(tonight, day)
    return day


def _taken_in(seed: int, number: int, folder: Path) -> tuple[variety.Drawn, Night]:
    """A world, and the night that took its log in."""
    drawn = variety.draw(seed, number)
    variety.live(drawn, folder)
    engine = DuckdbEngine(folder / "scratch", "1GB")
    home, logs = create(folder / "home"), (folder / "log.jsonl.gz",)
    tonight = Night(home, settings.Settings(), engine, variety.START, logs=logs)
    take_in(tonight, "")
    return drawn, tonight


def _pairs(tonight: Night) -> pl.DataFrame:
    return tonight.lake.by_day("pairs", tonight.lake.days("pairs"))


def _context(tonight: Night) -> pl.DataFrame:
    return Reading(score_pairs, tonight, tonight.lake.days("turns")[-1]).query("context")


def _truth(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "truth.jsonl.gz", "rt", encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


def _said_again(folder: Path) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The true pairs, and all pairs of one chain."""
    before = {t["turn_id"]: t["rephrase_of"] for t in _truth(folder)}
    gold = {(b, t) for t, b in before.items() if b}
    chain = set()
    for turn, first in before.items():
        back = first
        while back:
            chain.add((back, turn))
            back = before.get(back)
    return gold, chain


def _failed(folder: Path) -> dict[str, float]:
    """Of the turns of which it is known."""
    found = {}
    for turn in _truth(folder):
        failed = turn.get("defect") if turn["right"] is None else not turn["right"]
        if failed is not None:
            found[turn["turn_id"]] = float(failed)
    return found


def teach(name: str, lessons: Sequence[Lesson]) -> Prior:
    """Models of the lessons, each of a share of the worlds drawn at random."""
    rng = np.random.default_rng(0)
    size = max(2, -(-len(lessons) // OF_WORLDS))
    drawn = [rng.permutation(len(lessons))[:size] for _ in range(MODELS)]
    models = [_taught(name, [lessons[i] for i in chosen], n) for n, chosen in enumerate(drawn)]
    return Prior(lessons[0].names, models)


def _taught(name: str, lessons: Sequence[Lesson], number: int) -> treelite.Model:
    """One of them; a world counts as the root of its rows, so that large ones do not rule."""
    values, truth, weight = [], [], []
    for lesson in lessons:
        known = np.isfinite(lesson.truth)
        worth = 1 / np.sqrt(max(known.sum(), 1))
        for label in (0.0, 1.0):
            share = np.where(known, np.abs(1 - label - lesson.truth), 0.0)
            rows = share > 0
            values.append(lesson.values[rows])
            truth.append(np.full(rows.sum(), label))
            weight.append(share[rows] * worth)
    every = np.concatenate(weight)
    rules = [MORE[name].get(n, 0) for n in lessons[0].names]
    model = HistGradientBoostingClassifier(monotonic_cst=rules, random_state=number, **TREES)
    model.fit(priors.read(np.vstack(values)), np.concatenate(truth), every / every.mean())
    return treelite.sklearn.import_model(model)


def measured(name: str, lessons: Sequence[Lesson]) -> dict[str, dict[str, float]]:
    """How a model of the others does on each world held back: medians by the world's kind."""
    taught = teach(name, [x for n, x in enumerate(lessons) if n % HELD])
    rows = []
    for lesson in lessons[::HELD]:
        known = np.isfinite(lesson.truth)
        truth = np.round(lesson.truth[known])
        if not 0 < truth.sum() < len(truth):
            continue
        p = taught.probability(Features(lesson.names, lesson.values[known]))
        score = average_precision_score if name == "pairs" else roc_auc_score
        rows.append(
            {"kind": lesson.kind, "score": score(truth, p), "claimed": p.sum() / truth.sum()}
        )
    frame = pl.DataFrame(rows)
    every = pl.concat([frame, frame.with_columns(kind=pl.lit("all"))])
    middle = every.group_by("kind").agg(
        pl.col("score", "claimed").median().round(3), worlds=pl.len()
    )
    return {r.pop("kind"): r for r in middle.sort("kind").to_dicts()}


def keep(name: str, prior: Prior) -> str:
    """Write the models; the hash of their file, which is the same for the same models."""
    place = PLACE / f"{name}.zip"
    with ZipFile(place, "w", ZIP_DEFLATED) as packed:
        for number, model in enumerate(prior.models):
            packed.writestr(ZipInfo(f"{number}.treelite"), model.serialize_bytes(), ZIP_DEFLATED)
    priors.prior.cache_clear()
    return hashlib.sha256(place.read_bytes()).hexdigest()


def main() -> None:
    """Teach each, one after the other, and write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    card: dict[str, Any] = {
        "what": "what simulated worlds teach of pairs that say it again, of turns that failed, and of hypotheses",
        "command": f"python -m flows.priors --seed {asked.seed}",
        "taught_by": "flows/simulation alone; no log of people",
        "worlds": {},
        "features": {},
        "held_back": {},
        "sha256": {},
    }
    place = PLACE / "card.json"
    for name, lesson, worlds, seed in (
        ("pairs", pairs_of, 300, asked.seed),
        ("turns", turns_of, 64, asked.seed + 1),
        ("hypotheses", hypotheses_of, 64, asked.seed + 2),
    ):
        lessons = _each(partial(lesson, seed), worlds, asked.workers)
        card["worlds"][name] = worlds
        card["features"][name] = lessons[0].names
        card["held_back"][name] = measured(name, lessons)
        card["sha256"][name] = keep(name, teach(name, lessons))
        place.write_text(json.dumps(card, indent=1) + "\n", "utf8")
        print(name, json.dumps(card["held_back"][name]))  # noqa: T201


def _each(lesson: Callable[[int], Lesson], worlds: int, workers: int) -> list[Lesson]:
    # A worker is fresh, so that it reads the prior that was written last.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(lesson, range(worlds), chunksize=4))


if __name__ == "__main__":
    main()
