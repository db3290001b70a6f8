"""Projected slots against true ones.

usage: python benchmarks/slots.py [CORPUS or FOLDER...]

Worlds of `sayagain simulate`: of the project's own wordings, and of each CORPUS: a MASSIVE file (JSON lines with
`locale`, `intent`, `annot_utt`; gzipped or not). A slot is right where a true one of the wording has its name and its
value (case apart). Recall is among the slots of wordings that are in the training set; new are wordings that were never
executed with those slots, so that there was something to project. The error is the expected calibration error of the slots'
probabilities in ten buckets. A world may also be a FOLDER with log, truth (whose rows carry slots) and seed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
from massive import corpus_of
from truth import calibration_error, rows

HABITS = ["--users", "300", "--turns", "15000", "--days", "7", "--seeds-per-intent", "15"]


def sayagain(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "flows", *arguments], check=True, capture_output=True, text=True
    )


def made(name: str, folder: Path, corpus: Path | None) -> Path:
    """A simulated world."""
    world = folder / f"world-{name}"
    source = ["--corpus", str(corpus)] if corpus else ["--locales", "en-GB"]
    habits = HABITS if corpus else HABITS[:-2]
    sayagain("simulate", "--out", str(world), "--seed", "5", *source, *habits)
    return world


def row(name: str, folder: Path, world: Path) -> str:
    """A night of a world, and its slots against the true ones."""
    home = folder / f"home-{name}"
    seed = str(world / "seed.jsonl.gz")
    sayagain("run", str(world / "log.jsonl.gz"), "--home", str(home), "--seed-data", seed)
    meant = true_slots(world)
    examples = pl.read_parquet(sorted(home.glob("training_sets/*/examples.parquet"))[-1])
    executed = _executed(world)
    sure: list[tuple[float, bool]] = []
    right = given = wanted = new_right = new_given = 0
    for locale, utterance, slots in examples.select("locale", "utterance", "slots").iter_rows():
        true = meant.get((locale, utterance))
        if true is None:
            continue
        wanted += len(true)
        for slot in slots or []:
            hit = (slot["name"].lower(), slot["value"].lower()) in true
            right, given = right + hit, given + 1
            sure.append((slot["probability"], hit))
            if (locale, utterance, slot["name"]) not in executed:
                new_right, new_given = new_right + hit, new_given + 1
    return (
        f"| {name} | {examples.height} | {wanted} | {given} | {_share(right, given)} |"
        f" {_share(right, wanted)} | {new_given} | {_share(new_right, new_given)} |"
        f" {calibration_error(sure):.3f} |"
    )


def true_slots(world: Path) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Names and values, in lower case, of what each wording was meant for most often."""
    log = {turn["turn_id"]: turn for turn in rows(world / "log.jsonl.gz")}
    counted: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for told in rows(world / "truth.jsonl.gz"):
        turn = log[told["turn_id"]]
        if told["intent"] and told["kind"] != "robot" and (slots := _slots(told)) is not None:
            counted[turn["locale"], turn["utterance"]][json.dumps(slots)] += 1
    return {
        said: {(name, value) for name, value in json.loads(meant.most_common(1)[0][0])}
        for said, meant in counted.items()
    }


def _slots(told: dict[str, Any]) -> list[tuple[str, str]] | None:
    """Of a row of a truth: its slots, or those of its goal; None where it has neither."""
    if "slots" in told:
        return sorted((n.lower(), v.lower()) for n, v in (told["slots"] or {}).items())
    if told.get("goal") is None:
        return None
    parts = (
        part.lower().partition("=") for part in told["goal"].split(":", 2)[2].split(";") if part
    )
    return sorted((name, value) for name, _, value in parts)


def _executed(world: Path) -> set[tuple[str, str, str]]:
    """(locale, wording, slot) that the assistant executed."""
    found = set()
    for turn in rows(world / "log.jsonl.gz"):
        if turn["intent"] is not None:
            found |= {(turn["locale"], turn["utterance"], n) for n in turn["slots"] or {}}
    return found


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else ""


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("corpora", nargs="*", type=Path, metavar="CORPUS")
    asked = arguments.parse_args()
    print(
        "| world | wordings | true slots | projected | precision | recall | of them new | precision | error |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(row("own", folder, made("own", folder, None)), flush=True)
        for place_of in asked.corpora:
            name = place_of.name.split(".")[0]
            world = place_of
            if place_of.is_file():
                world = made(name, folder, corpus_of(place_of, folder / f"{name}.jsonl"))
            print(row(name, folder, world), flush=True)


if __name__ == "__main__":
    main()
