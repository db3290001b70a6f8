"""Distinct wordings in any number, with their vectors: the project's own English patterns, filled with
invented names, some words slipped. Wishes are as skewed as names are: few are worded in many ways."""

from pathlib import Path

import numpy as np

from flows.simulation.corpus import Wording, language
from flows.simulation.people import slip
from mining.clustering import encoder

TAUGHT = 20_000  # wordings from which the encoder learns
SLIPPED = 0.2  # share of wordings in which a word is lost, doubled or misspelt
AROUND = ["", "please ", "could you ", "hey ", "i want you to ", "ok now "]
SYLLABLES = [
    "ba",
    "ri",
    "to",
    "len",
    "mar",
    "ken",
    "sol",
    "vi",
    "da",
    "nor",
    "tel",
    "ga",
    "mi",
    "ro",
    "san",
    "per",
    "lu",
    "che",
    "fin",
    "dor",
]


def wordings(wanted: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """So many distinct wordings, and the number of each one's wish."""
    rng = np.random.default_rng(seed)
    patterns: dict[tuple[str, ...], list[Wording]] = {}
    for wording in language("en-GB").wordings:
        patterns.setdefault((wording.intent,), []).append(wording)
    intents = sorted(patterns)
    found: dict[str, int] = {}
    wishes: dict[tuple[int, str], int] = {}
    while len(found) < wanted:
        which = int(rng.integers(len(intents)))
        called = name(int(rng.zipf(1.3)))
        wish = wishes.setdefault((which, called), len(wishes))
        ways = patterns[intents[which]]
        for _ in range(1 + int(rng.integers(12))):
            way = ways[int(rng.integers(len(ways)))].utterance
            text = f"{AROUND[int(rng.integers(len(AROUND)))]}{way} {called}"
            if rng.random() < SLIPPED:
                text = slip(text, rng)
            if len(found) < wanted:
                found.setdefault(text, wish)
    return list(found), np.fromiter(found.values(), np.int64, len(found))


def vectors(wanted: int, folder: Path) -> np.ndarray:
    """Their vectors by an encoder that learned from the first of them; made once, kept in `folder`."""
    place = folder / f"vectors-{wanted}.npy"
    if not place.is_file():
        said, wish = wordings(wanted)
        rng = np.random.default_rng(1)
        order = np.argsort(wish[:TAUGHT] + rng.random(min(TAUGHT, wanted)) / 2)
        same = wish[order][:-1] == wish[order][1:]
        pairs = np.stack([order[:-1][same], order[1:][same]], axis=1)
        model = encoder.learn(encoder.Lessons(said[:TAUGHT], pairs))
        folder.mkdir(parents=True, exist_ok=True)
        np.save(place, model.embed(said).astype(np.float16))
    return np.load(place).astype(np.float32)


def name(rank: int) -> str:
    """A name of two to five syllables for each rank; common names are short."""
    base, rest = len(SYLLABLES), rank + 20
    spelled = ""
    while rest:
        spelled, rest = spelled + SYLLABLES[rest % base], rest // base
    return spelled
