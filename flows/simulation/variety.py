"""Worlds of every kind, each with numbers of its own, for learning what holds in all of them."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from flows.simulation.corpus import Language, Wording, built_in, language
from flows.simulation.invented import invent
from flows.simulation.place import Habits, Place
from flows.simulation.shapes import MIXED, SHAPES, varied
from flows.simulation.world import assistants, ordered, write

KINDS = ("command", "dialogue", "dialogue", "chat", "search", "dialogue", "chat", "mixed")
INVENTED = 0.5  # share of worlds that speak a language that nobody speaks
NARROW = 0.25  # share of worlds in which there is little to say
# Least and most utterances of an intent that its assistant learned from; commands are told apart by their words alone.
SEEDS = (3, 60)
SEEDS_OF_COMMANDS = (2, 30)
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
    narrow = rng.random() < NARROW
    if narrow:
        spoken = _narrowed(spoken, rng)
    each = len(spoken.wordings) // len({w.intent for w in spoken.wordings})
    seeds = SEEDS_OF_COMMANDS if kind == "command" else SEEDS
    habits = Habits(
        users=int(rng.integers(25, 250)),
        days=int(rng.integers(2, 8)),
        turns=int(rng.choice([400, 1_000, 2_000] if narrow else [1_500, 2_500, 4_000])),
        start=START.isoformat(),
        seeds_per_intent=min(int(np.exp(rng.uniform(*np.log(seeds)))), max(1, each // 2)),
        refine=float(rng.uniform(0.02, 0.25)),
        robots=0,
        liars=0.0,
        again=float(rng.uniform(0.5, 0.97)),
        pace=float(rng.lognormal(0.0, 0.4)),
    )
    if kind == "mixed":
        shapes = {varied(SHAPES[each], rng): share for each, share in MIXED.items()}
    else:
        shapes = {varied(SHAPES[kind], rng): 1.0}
    return Drawn(kind, Place(spoken, rng, habits, 1, shapes=shapes))


def _narrowed(spoken: Language, rng: np.random.Generator) -> Language:
    """The same language with little to say: a few intents, a few goals of each."""
    by_intent: dict[str, dict[Any, list[Wording]]] = {}
    for wording in spoken.wordings:
        by_intent.setdefault(wording.intent, {}).setdefault(wording.goal, []).append(wording)
    names = sorted(by_intent)
    chosen = rng.permutation(len(names))[: int(rng.integers(3, 9))]
    goals = int(rng.integers(1, 6))
    kept: list[Wording] = []
    for place in chosen:
        by_goal = list(by_intent[names[int(place)]].values())
        for goal in rng.permutation(len(by_goal))[:goals]:
            kept += by_goal[int(goal)]
    return replace(spoken, wordings=kept)


def live(drawn: Drawn, out: Path) -> None:
    """Write the world's log, truth and seed data into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    place = drawn.place
    log, truth = ordered([place.live(assistants([place])[0], START)])
    write(out / "log.jsonl.gz", log)
    write(out / "truth.jsonl.gz", truth)
