"""What a world knows of its log's wordings."""

import argparse
import collections
import gzip
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Wording = tuple[str, str]  # locale, utterance


def goals(world: Path) -> dict[Wording, set[str]]:
    """The goals for which each wording was said; robots say none."""
    found: dict[Wording, set[str]] = collections.defaultdict(set)
    for wording, told in _told(world):
        if "goal" in told:  # dialogues and chatter of the simulator have none
            found[wording].add(told["goal"])
    return dict(found)


def goal_of(world: Path) -> dict[Wording, str]:
    """The goal for which each wording was said most often."""
    return _most(world, "goal")


def intents(world: Path) -> dict[Wording, str]:
    """The intent that each wording had most often."""
    return _most(world, "intent")


@dataclass(frozen=True)
class Speakers:
    """How many users said a wording."""

    honest: int
    liars: int


def speakers(world: Path) -> dict[Wording, Speakers]:
    """Who said each wording; robots apart. A world that names no liars has none."""
    turns = {t["turn_id"]: t for t in rows(world / "log.jsonl.gz")}
    lying = {
        turns[t["turn_id"]]["user_id"] for t in rows(world / "truth.jsonl.gz") if t.get("liar")
    }
    said: dict[Wording, set[str]] = collections.defaultdict(set)
    for wording, told in _told(world):
        said[wording].add(turns[told["turn_id"]]["user_id"])
    return {wording: Speakers(len(by - lying), len(by & lying)) for wording, by in said.items()}


def _most(world: Path, what: str) -> dict[Wording, str]:
    counted: dict[Wording, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for wording, told in _told(world):
        if what in told:
            counted[wording][told[what]] += 1
    return {wording: counts.most_common(1)[0][0] for wording, counts in counted.items()}


def _told(world: Path) -> Iterator[tuple[Wording, dict]]:
    turns = {t["turn_id"]: t for t in rows(world / "log.jsonl.gz")}
    for told in rows(world / "truth.jsonl.gz"):
        if told["intent"] and told["kind"] != "robot":
            turn = turns[told["turn_id"]]
            text = unicodedata.normalize("NFC", turn["utterance"])
            yield (turn["locale"], text), told


def rows(path: Path) -> Iterator[dict]:
    """The rows of a file of JSON lines, packed."""
    with gzip.open(path, "rt", encoding="utf8") as lines:
        yield from map(json.loads, lines)


def calibration_error(sure: list[tuple[float, bool]]) -> float:
    """The expected calibration error in ten buckets."""
    if not sure:
        return 0.0
    p, hit = (np.array(column, float) for column in zip(*sure, strict=True))
    bucket = np.minimum((p * 10).astype(int), 9)
    return float(
        sum(
            (bucket == b).mean() * abs(p[bucket == b].mean() - hit[bucket == b].mean())
            for b in np.unique(bucket)
        )
    )


def world_and_home(about: str | None) -> tuple[Path, Path]:
    """WORLD and HOME of the command line."""
    arguments = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("world", type=Path, metavar="WORLD")
    arguments.add_argument("home", type=Path, metavar="HOME")
    asked = arguments.parse_args()
    return asked.world, asked.home
