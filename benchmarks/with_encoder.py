"""Worlds with a multilingual encoder and without: what is believed, what is retrained, and what a phone could hold.

usage: python benchmarks/with_encoder.py WORLD... --encoder FOLDER [--vectors FOLDER]

WORLD is a folder as `sayagain simulate` writes it, with test.jsonl.gz; FOLDER one of sentence-transformers. Each world is run
three times with one salt: by the log's own encoder, by the one given, and by that with `[trainer] small`, in processes of their
own. `../bench/score.py` counts quality where it lies. Start: right of test utterances by the model of the seed data, as the
settings have it; retrained: with what the gate let serve; flips: right before, wrong after. Gain kept: the share of the large
model's gain over the small one's start that the small model has. Milliseconds are of wordings one by one, asked of the
encoder anew.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import a_night, scored

from flows import encoders
from flows.settings import load
from retrain.registry import store
from warehouse.home import existing

FIGURES = ("label_accuracy", "coverage", "label_ECE", "recovered_mean")
TIMED = 200
SALT = bytes(range(32))


def settings_of(how: str, asked: argparse.Namespace, folder: Path) -> Path:
    lines = ["[gate]", "max_latency_ms = 1000.0"]
    if how != "own":
        lines += ["[mining]", f'encoder = "{asked.encoder.resolve()}"']
    if how == "small":
        lines += ["[trainer]", "small = true"]
    place = folder / f"{how}.toml"
    place.write_text("\n".join(lines) + "\n")
    return place


def sayagain(*words: str) -> dict:
    command = [sys.executable, "-m", "flows", *words, "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def row(world: Path, config: Path, home: Path, bench: Path) -> dict[str, float]:
    (home / "salt").write_bytes(SALT)
    known = ["--home", str(home), "--config", str(config)]
    seed = str(world / "seed.jsonl.gz")
    first = sayagain("retrain", *known, "--seed-data", seed)
    subprocess.run(
        [*a_night(world, home), "--config", str(config)], check=True, capture_output=True
    )
    then = sayagain("retrain", *known)
    with gzip.open(world / "test.jsonl.gz", "rt", encoding="utf8") as lines:
        test = [json.loads(line) for line in lines]
    settings = load(config)
    helpers = encoders.helpers(existing(home), settings)
    before, after = (right(home, told["champion"], helpers, test) for told in (first, then))
    figures = scored(bench, world, home)
    found = {name: figures.get(name, np.nan) for name in FIGURES}
    model = store.fetch(existing(home), then["challenger"], helpers)
    return found | {
        "start": before.mean(),
        "retrained": after.mean(),
        "flips": (before & ~after).mean(),
        "ms": milliseconds(home, then["challenger"], settings, test),
        "MiB": model.mib,
        "promoted": float(then["promoted"]),
        "challenger": right(home, then["challenger"], helpers, test).mean(),
    }


def right(home: Path, version: str, helpers, test: list[dict]) -> np.ndarray:
    model = store.fetch(existing(home), version, helpers)
    answers = model.best([t["utterance"] for t in test], [t["locale"] for t in test])
    return np.array(answers) == [t["intent"] for t in test]


def milliseconds(home: Path, version: str, settings, test: list[dict]) -> float:
    asked = encoders.helpers(existing(home), settings)
    if asked.encoder:
        asked = type(asked)(
            asked.program, type(asked.encoder)(asked.encoder.asked, Path("/nonexistent"), False)
        )
    model = store.fetch(existing(home), version, asked)
    model.scores([test[0]["utterance"]], [test[0]["locale"]])
    began = time.perf_counter()
    for t in test[:TIMED]:
        model.scores([t["utterance"]], [t["locale"]])
    return 1000 * (time.perf_counter() - began) / min(TIMED, len(test))


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("worlds", nargs="+", type=Path, metavar="WORLD")
    arguments.add_argument("--encoder", type=Path, required=True)
    arguments.add_argument("--vectors", type=Path, help="folder that keeps vectors, for all runs")
    asked = arguments.parse_args()
    columns = [*FIGURES, "start", "retrained", "promoted", "challenger", "flips", "ms", "MiB"]
    with tempfile.TemporaryDirectory() as folder:
        print(f"| world | encoder | {' | '.join(columns)} | gain kept |")
        print("|---" * (len(columns) + 3) + "|")
        for world in (w.resolve() for w in asked.worlds):
            found = {}
            for how in ("own", "given", "small"):
                config = settings_of(how, asked, Path(folder))
                home = Path(folder) / f"{world.name}-{how}"
                home.mkdir(parents=True)
                (home / "vectors").symlink_to((asked.vectors or Path(folder)).resolve())
                found[how] = row(world, config, home, world.parent.parent / "bench")
                cells = [f"{found[how][name]:.3f}" for name in columns]
                print(f"| {world.name} | {how} | {' | '.join(cells)} | {kept(found)} |", flush=True)


def kept(found: dict[str, dict[str, float]]) -> str:
    if "small" not in found:
        return ""
    start, small, large = (
        found["small"]["start"],
        found["small"]["challenger"],
        found["given"]["challenger"],
    )
    return f"{(small - start) / (large - start):.3f}"


if __name__ == "__main__":
    main()
