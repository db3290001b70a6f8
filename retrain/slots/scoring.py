"""Slot F1, by slot: the harmonic mean of precision and recall of names and values."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from retrain.slots.tagger import Slot, values, values_of
from warehouse.tables import SlotEvaluations

ALL = "all"
Found = Iterable[Iterable[Slot]]
Known = Iterable[Sequence[Mapping[str, Any]] | None]


def evaluated(
    challenger: str, champion: str | None, told: tuple[Found | None, Found], known: Known
) -> pl.DataFrame:
    """Rows of `SlotEvaluations` of the slots that champion (None where there is none) and challenger `told` of cases whose true slots
    are `known`, None where they are not."""
    there = list(known)
    true = Counter[str]()
    for slots in there:
        true.update(name for name, _ in values_of(slots or []))
    true[ALL] = true.total()
    before, after = (None if found is None else f1(found, there) for found in told)
    rows = [
        {
            "challenger": challenger,
            "champion": champion,
            "slot": name,
            "cases": true[name],
            "champion_f1": None if before is None else before.get(name, 0.0),
            "challenger_f1": (after or {}).get(name, 0.0),
        }
        for name in sorted(true)
        if true[name]
    ]
    return pl.DataFrame(rows, SlotEvaluations.create_empty().schema)


def f1(found: Found, known: Known) -> dict[str, float]:
    """By slot, and of `all`, the F1 of what was found in cases whose slots are known."""
    hits, sizes = Counter[str](), Counter[str]()
    for mine, slots in zip(found, known, strict=True):
        if slots is not None:
            told = values((slot.name, slot.value) for slot in mine)
            there = values_of(slots)
            hits.update(name for name, _ in told & there)
            sizes.update(name for side in (told, there) for name, _ in side)
    hits[ALL], sizes[ALL] = hits.total(), sizes.total()
    return {name: 2 * hits[name] / size for name, size in sizes.items() if size}
