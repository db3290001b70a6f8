"""Projected slots against true ones.

usage: python benchmarks/slots.py [CORPUS...]

Worlds of `sayagain simulate`: of the project's own wordings, and of each CORPUS: a MASSIVE file (JSON lines with
`locale`, `intent`, `annot_utt`; gzipped or not). A slot is right where a true one of the wording has its name and its
value (case apart). Recall is among the slots of wordings that are in the training set; new are wordings that were never
executed with those slots, so that there was something to project.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from massive import corpus_of
from truth import goal_of

HABITS = ["--users", "300", "--turns", "15000", "--days", "7", "--seeds-per-intent", "15"]


def sayagain(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "flows", *arguments], check=True, capture_output=True, text=True
    )


def row(name: str, folder: Path, corpus: Path | None) -> str:
    world, home = folder / f"world-{name}", folder / f"home-{name}"
    source = ["--corpus", str(corpus)] if corpus else ["--locales", "en-GB"]
    habits = HABITS if corpus else HABITS[:-2]
    sayagain("simulate", "--out", str(world), "--seed", "5", *source, *habits)
    seed = str(world / "seed.jsonl.gz")
    sayagain("run", str(world / "log.jsonl.gz"), "--home", str(home), "--seed-data", seed)
    goals = goal_of(world)
    examples = pl.read_parquet(sorted(home.glob("training_sets/*/examples.parquet"))[-1])
    executed = _executed(world)
    right = given = wanted = new_right = new_given = 0
    for locale, utterance, slots in examples.select("locale", "utterance", "slots").iter_rows():
        goal = goals.get((locale, utterance))
        if goal is None:
            continue
        true = {tuple(s.lower().split("=", 1)) for s in goal.split(":", 2)[2].split(";") if s}
        wanted += len(true)
        for slot in slots or []:
            hit = (slot["name"].lower(), slot["value"].lower()) in true
            right, given = right + hit, given + 1
            if (locale, utterance, slot["name"]) not in executed:
                new_right, new_given = new_right + hit, new_given + 1
    return (
        f"| {name} | {examples.height} | {wanted} | {given} | {_share(right, given)} |"
        f" {_share(right, wanted)} | {new_given} | {_share(new_right, new_given)} |"
    )


def _executed(world: Path) -> set[tuple[str, str, str]]:
    """(locale, wording, slot) that the assistant executed."""
    found = set()
    with gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as lines:
        for line in lines:
            turn = json.loads(line)
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
        "| world | wordings | true slots | projected | precision | recall | of them new | precision |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(row("own", folder, None), flush=True)
        for massive in asked.corpora:
            name = massive.name.split(".")[0]
            print(row(name, folder, corpus_of(massive, folder / f"{name}.jsonl")), flush=True)


if __name__ == "__main__":
    main()
