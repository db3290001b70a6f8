"""One cycle of retraining, measured on utterances that nobody said to the assistant.

usage: python benchmarks/retraining.py WORLD HOME

HOME is what `sayagain run` left of the world's log; it is copied, and `sayagain retrain` runs in the copy: a champion on seed
data alone, then the challenger and the gate. `sayagain predict` answers for both on the world's test utterances. Recovered is
the share of the way from the seed model to the same trainer (same encoder) on seed data and every logged wording with its true
label; flips are test utterances that were right before and are wrong after, as a share of all.

Below: the curve of flips over what is recovered as the champion's answers are held more firmly (`retrain/gate/judging.py` chooses a
point of it without seeing the test utterances), the same where the champion's weights are interpolated instead, and
accuracy on logged wordings by how many users said them.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from truth import intents, speakers, world_and_home

from flows import seed
from retrain.gate.judging import INCUMBENT_BONUSES
from retrain.registry import store
from retrain.training.data import training_data
from retrain.training.model import Model, aligned, loyal
from retrain.training.trainer import train
from warehouse.home import Home, existing

MIXES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
BUCKETS = (("tail, 1 or 2 users", 1, 2), ("torso, 3 to 9", 3, 9), ("head, 10 and more", 10, 10**9))


def sayagain(*arguments: str, lines: str | None = None) -> str:
    command = [sys.executable, "-m", "flows", *arguments]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return done.stdout


def predicted(home: Path, wordings: list[str]) -> np.ndarray:
    asked = "".join(json.dumps({"utterance": u}, ensure_ascii=False) + "\n" for u in wordings)
    answers = sayagain("predict", "--home", str(home), lines=asked).splitlines()
    return np.array([json.loads(a)["labels"][0]["label"] for a in answers])


def main() -> None:
    world, kept = world_and_home(__doc__)
    with gzip.open(world / "test.jsonl.gz", "rt", encoding="utf8") as lines:
        test = [json.loads(line) for line in lines]
    asked, truth = [t["utterance"] for t in test], np.array([t["intent"] for t in test])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        shutil.copytree(kept, root)
        shutil.rmtree(root / "models", ignore_errors=True)
        began = time.perf_counter()
        verdict = json.loads(sayagain("retrain", "--home", str(root), "--json"))
        seconds = time.perf_counter() - began
        home = existing(root)
        after = predicted(root, asked) == truth
        promoted = verdict["challenger"]
        store.promote(home, verdict["before"])
        before = predicted(root, asked) == truth
        show(world, home, promoted, (asked, truth, before, after), verdict, seconds)


def show(
    world: Path, home: Home, promoted: str, on_test: tuple, verdict: dict, seconds: float
) -> None:
    asked, truth, before, after = on_test
    model = store.fetch(home, promoted)
    told = intents(world)
    logged = pl.DataFrame(
        [(*wording, intent) for wording, intent in told.items()],
        ["locale", "utterance", "intent"],
        orient="row",
    )
    known = seed.kept(home)
    best = train(training_data(pl.concat([known, logged.select(known.columns)])), model.encoder)
    annotated = np.array(best.best(asked)) == truth
    way = annotated.mean() - before.mean()

    def line(name: str, right: np.ndarray) -> None:
        gained, flips = (right.mean() - before.mean()) / way, (before & ~right).mean()
        print(f"| {name} | {right.mean():.3f} | {gained:.3f} | {flips:.2%} |")

    print(f"\n### {world.name}\n\n{'; '.join(verdict['because'])}. {seconds:.0f} s.\n")
    print("| model | right of test | recovered | flips |\n|---|---|---|---|")
    line("seed alone", before)
    line("promoted" if verdict["promoted"] else "refused", after)
    line("true labels", annotated)
    champion = store.fetch(home, verdict["before"])
    labels = model.labels
    held = aligned(champion.scores(asked), champion.labels, labels)
    own = replace(model, before=None).scores(asked)
    names = np.array(labels)
    for hold in INCUMBENT_BONUSES:
        line(f"hold {hold}", names[loyal(own, held.argmax(axis=1), hold).argmax(axis=1)] == truth)
    for share in MIXES:
        line(
            f"interpolated {share}",
            names[(share * own + (1 - share) * held).argmax(axis=1)] == truth,
        )
    by_bucket(world, told, champion, model)


def by_bucket(world: Path, told: dict, champion: Model, model: Model) -> None:
    said = speakers(world)
    print("\n| logged wordings | | seed alone | promoted | flips |\n|---|---|---|---|---|")
    for name, least, most in BUCKETS:
        some = [w for w in told if least <= said[w].honest + said[w].liars <= most]
        if some:
            truth = np.array([told[w] for w in some])
            texts = [u for _, u in some]
            right, now = (np.array(m.best(texts)) == truth for m in (champion, model))
            flips = (right & ~now).mean()
            print(f"| {name} | {len(some)} | {right.mean():.3f} | {now.mean():.3f} | {flips:.2%} |")


if __name__ == "__main__":
    main()
