"""Worlds of every kind, each with numbers of its own, for learning what holds in all of them."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from flows.simulation.corpus import built_in, language
from flows.simulation.invented import invent
from flows.simulation.place import Habits, Place
from flows.simulation.shapes import MIXED, SHAPES, varied
from flows.simulation.world import assistants, ordered, write

KINDS = ("command", "dialogue", "dialogue", "chat", "search", "dialogue", "chat", "mixed")
INVENTED = 0.65  # share of worlds that speak a language that nobody speaks
START = date(2026, 1, 5)


@dataclass(frozen=True)
class Drawn:
    """A world: its kind, and the one locale in which it is."""

    kind: str
    place: Place


def draw(seed: int, number: int, kinds: tuple[str, ...] = KINDS) -> Drawn:
    """The world of that number; the same arguments give the same one."""
    rng = np.random.default_rng([seed, number])
    kind = kinds[number % len(kinds)]
    if rng.random() < INVENTED:
        spoken = invent(f"art-x-{number}", rng)
    else:
        spoken = language(built_in()[int(rng.integers(len(built_in())))])
    habits = Habits(
        users=int(rng.integers(25, 250)),
        days=int(rng.integers(2, 8)),
        turns=int(rng.choice([1_500, 2_500, 4_000])),
        start=START.isoformat(),
        seeds_per_intent=int(rng.integers(3, 16)),
        refine=float(rng.uniform(0.02, 0.25)),
        robots=0,
        liars=0.0,
        again=float(rng.uniform(0.3, 0.95)),
        pace=float(rng.lognormal(0.0, 0.4)),
    )
    if kind == "mixed":
        shapes = {varied(SHAPES[each], rng): share for each, share in MIXED.items()}
    else:
        shapes = {varied(SHAPES[kind], rng): 1.0}
    return Drawn(kind, Place(spoken, rng, habits, 1, shapes=shapes))


def live(drawn: Drawn, out: Path) -> None:
    """Write the world's log, truth and seed data into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    place = drawn.place
    log, truth = ordered([place.live(assistants([place])[0], START)])
    write(out / "log.jsonl.gz", log)
    write(out / "truth.jsonl.gz", truth)
