"""Slots of wordings by taggers that never saw them, and how probable slots are by what was right of those.

Notation and constants: docs/method.md, 9.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrain.slots.lesson import TaggedWordings
from retrain.slots.tagger import CAPACITY, Slot, Tagger, teach, values, values_of
from retrain.training.solver import Capacity, Indices
from warehouse.common.folds import folds
from warehouse.common.platt import PlattScaling

FOLDS = 5
FEWEST = 50  # slots found, by which their probabilities are bent; set by hand

Slots = list[list[Slot]]


@dataclass(frozen=True)
class Asked:
    """Wordings with their true intents and those that a model `believed` without having seen them, and their true slots, None where
    they are not known; what was `held` for slots before, if anything was."""

    wordings: list[str]
    intents: list[str]
    believed: list[str]
    slots: list[list[dict[str, Any]] | None]
    held: Sequence[Sequence[Slot]] = ()


def cross_tagged(
    taught: TaggedWordings, asked: Asked, may: Capacity = CAPACITY
) -> tuple[Slots, PlattScaling]:
    """The slots of each wording under its true intent, what was held before ahead by its bonus; and the scaling of what is told under
    the intents that were believed."""
    found: Slots = [[] for _ in asked.wordings]
    sure, hits = [], []
    for rows, tagger in _folded(taught, asked.wordings, may):
        wordings, intents, believed = (
            [of[n] for n in rows] for of in (asked.wordings, asked.intents, asked.believed)
        )
        before = [asked.held[n] for n in rows] if asked.held else ()
        for n, slots in zip(rows, tagger.slots(wordings, intents, before), strict=True):
            found[n] = slots
        for n, slots in zip(rows, tagger.slots(wordings, believed), strict=True):
            if (known := asked.slots[n]) is not None:
                there = values_of(known)
                sure += [slot.probability for slot in slots]
                hits += [values([(slot.name, slot.value)]) <= there for slot in slots]
    if len(sure) < FEWEST:
        return found, PlattScaling()
    return found, PlattScaling.of(np.array(sure), np.array(hits))


def _folded(
    taught: TaggedWordings, wordings: list[str], may: Capacity
) -> Iterator[tuple[Indices, Tagger]]:
    """The wordings in parts, each with a tagger that never saw any of them, letter case apart."""
    fold = folds(wordings, FOLDS)
    measured = {w.casefold() for w in wordings}
    mine = np.array([w.casefold() in measured for w in taught.wordings], bool)
    fold_of = np.where(mine, folds(taught.wordings, FOLDS), -1)
    for k in np.unique(fold):
        yield np.flatnonzero(fold == k), teach(taught.some(fold_of != k), may)
