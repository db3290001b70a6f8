"""Intent and all slots right: the trainer on a corpus with all its annotations, and what a log without any of them makes of it.

    python benchmarks/exact_match.py corpus FILE... [--encoder FOLDER]
    python benchmarks/exact_match.py world FOLDER...

A FILE is of MASSIVE (`annot_utt`, `partition`; gzipped or not): seed data are train and dev, asked is test; minutes and memory are of the
whole retraining, its cases and gate among it; the encoder is a folder of sentence-transformers. A FOLDER is a world with
log, truth, seed and test whose rows carry slots: a night and two retrainings (seed data first), and beside them models of the seed data
alone and with the true intent and slots of every wording that was said. Exact match: the intent is equal, and the set of slot
names and values (NFC, letter case apart). Recovered is the share of the way from seed data to all annotations.
"""

import argparse
import gzip
import json
import resource
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from truth import calibration_error, rows

from flows import encoders, retraining, runs, seed, settings
from flows.pipeline import directly
from retrain.registry import store
from retrain.slots.lesson import TaggedWordings
from retrain.slots.scoring import ALL, f1
from retrain.slots.tagger import Slot, right, teach, values, values_of
from retrain.training.data import training_data
from retrain.training.model import Model
from retrain.training.trainer import train
from warehouse.home import existing

Answers = tuple[list[str], list[list[Slot]]]  # intents, and slots under them


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=["corpus", "world"])
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--encoder", type=Path)
    asked = parser.parse_args()
    chosen = settings.Settings()
    if asked.encoder:
        chosen = settings.Settings.model_validate(
            {
                "mining": {"encoder": str(asked.encoder), "fine_tune": False},
                "encoder": {"prompt": "query: "},
            }
        )
    head, told = HEADS[asked.kind]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for place in asked.places:
        print("| " + " | ".join(map(str, told(place, chosen))) + " |", flush=True)


def of_corpus(place: Path, chosen: settings.Settings) -> list[Any]:
    """A locale of a corpus: a model of its seed data, as `sayagain retrain` makes it."""
    opened = gzip.open if place.suffix == ".gz" else open
    with tempfile.TemporaryDirectory() as folder:
        parts = {name: Path(folder) / f"{name}.jsonl" for name in ("taught", "test")}
        with opened(place, "rt", encoding="utf8") as lines:
            for line in lines:
                row = json.loads(line)
                part = parts["test" if row["partition"] == "test" else "taught"]
                with part.open("a", encoding="utf8") as out:
                    kept = {k: row[k] for k in ("locale", "intent", "annot_utt")}
                    out.write(json.dumps(kept, ensure_ascii=False) + "\n")
        began = time.perf_counter()
        home = Path(folder) / "home"
        retrained = runs.run_retraining(home, chosen, parts["taught"], None, directly)
        minutes = (time.perf_counter() - began) / 60
        opened_home = existing(home)
        model = store.fetch(
            opened_home, retrained["champion"], encoders.helpers(opened_home, chosen)
        )
        test = seed.read(parts["test"])
        found = scores(model, test)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = [found[name] for name in ("intent", "slot F1", "exact", "slot error")]
    return [
        place.name.split(".")[0],
        test.height,
        *figures,
        f"{minutes:.1f}",
        f"{model.mib:.0f}",
        f"{mib:.0f}",
    ]


def of_world(place: Path, chosen: settings.Settings) -> list[Any]:
    """A world: its night, and what may be learned at most."""
    test, known = seed.read(place / "test.jsonl.gz"), seed.read(place / "seed.jsonl.gz")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        request = runs.Request(
            [str(place / "log.jsonl.gz")], home, seed_data=place / "seed.jsonl.gz"
        )
        runs.run_night(request, chosen, directly)
        job = retraining.Retraining(existing(home), chosen, None)
        verdict = retraining.retrain(job, directly)
        served = store.served(job.home)
        first, last = (store.fetch(job.home, version) for version in (served[0], served[-1]))
        every = annotated(place, known)
        sides = {
            name: scores(model, test)
            for name, model in (("seed", first), ("ours", last), ("all", trained(every)))
        }
        flips = flipped(first, last, test)
    way = sides["all"]["exact"] - sides["seed"]["exact"]
    recovered = (sides["ours"]["exact"] - sides["seed"]["exact"]) / max(way, 1e-9)
    shown = [f"{s['intent']}, {s['slot F1']}, {s['exact']}" for s in sides.values()]
    return [
        place.name,
        test["slots"].is_not_null().sum(),
        *shown,
        f"{recovered:.3f}",
        f"{flips:.3f}",
        sides["ours"]["slot error"],
        verdict["promoted"],
    ]


def trained(known: pl.DataFrame) -> Model:
    """The reference trainer and tagger on rows `locale, utterance, intent, slots` that are all right."""
    tagged = TaggedWordings.of(known.with_columns(weight=pl.lit(1.0)))
    return replace(train(training_data(known)), tagger=teach(tagged))


def scores(model: Model, test: pl.DataFrame) -> dict[str, float]:
    """Figures of the test rows whose slots are known."""
    asked = test.drop_nulls("slots")
    known = asked["slots"].to_list()
    intents, told = answers(model, asked)
    there = [values_of(slots) for slots in known]
    sure = [
        (s.probability, values([(s.name, s.value)]) <= slots)
        for mine, slots in zip(told, there, strict=True)
        for s in mine
    ]
    found = {
        "intent": float((np.array(intents) == asked["intent"].to_numpy()).mean()),
        "slot F1": f1(told, known).get(ALL, 0.0),
        "exact": float(exact((intents, told), asked).mean()),
        "slot error": calibration_error(sure),
    }
    return {name: round(figure, 4) for name, figure in found.items()}


def flipped(before: Model, after: Model, test: pl.DataFrame) -> float:
    """The share of test rows that the one has exactly right and the other has not."""
    asked = test.drop_nulls("slots")
    one, other = (exact(answers(model, asked), asked) for model in (before, after))
    return float((one & ~other).mean())


def exact(found: Answers, asked: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Of each row whether intent and all slots that were found are right."""
    intents, told = found
    slots = np.array(right(told, asked["slots"].to_list()), bool)
    return np.asarray((np.array(intents) == asked["intent"].to_numpy()) & slots)


def answers(model: Model, asked: pl.DataFrame) -> Answers:
    """The intents and slots that a model tells."""
    wordings = asked["utterance"].to_list()
    intents = model.best(wordings, asked["locale"].to_list())
    return intents, model.slots(wordings, intents)


def annotated(place: Path, known: pl.DataFrame) -> pl.DataFrame:
    """The seed data, and every wording that was said with what it was meant for most often."""
    of = {turn["turn_id"]: turn for turn in rows(place / "truth.jsonl.gz")}
    meant: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows(place / "log.jsonl.gz"):
        turn = of.get(row["turn_id"])
        if turn and turn["intent"] is not None:
            goal = {"intent": turn["intent"], "slots": turn.get("slots")}
            meant[row["locale"], row["utterance"]][json.dumps(goal)] += 1
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.jsonl"
        with said.open("w", encoding="utf8") as out:
            for (locale, utterance), goals in meant.items():
                row = {"locale": locale, "utterance": utterance} | json.loads(
                    goals.most_common(1)[0][0]
                )
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
        return pl.concat([known, seed.read(said)])


HEADS: dict[str, tuple[list[str], Any]] = {
    "corpus": (
        [
            "locale",
            "test rows",
            "intent right",
            "slot F1",
            "exact match",
            "calibration error of slots",
            "minutes",
            "model, MiB",
            "peak memory, MiB",
        ],
        of_corpus,
    ),
    "world": (
        [
            "world",
            "test rows",
            "seed: intent, slot F1, exact",
            "promoted",
            "all annotations",
            "recovered",
            "flips of exact match",
            "calibration error of slots",
            "promoted",
        ],
        of_world,
    ),
}

if __name__ == "__main__":
    main()
