"""What a tagger is taught: wordings all of whose slots are known, or believed.

Notation and constants: docs/method.md, 9.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from retrain.training.solver import Floats
from warehouse.common.folds import folds

MOST_LETTERS = (
    2_000_000  # that a laptop can still solve for; of more wordings, those of the first folds
)
PARTS = 1_000


@dataclass(frozen=True)
class TaggedWordings:
    """Wordings with their intents, all of their slots (of each `name, start, end`), and how much each counts."""

    wordings: list[str]
    intents: list[str]
    slots: list[list[dict[str, Any]]]
    weights: Floats

    @staticmethod
    def of(rows: pl.DataFrame) -> "TaggedWordings":
        """Of the rows (`utterance, intent, slots, weight`) those whose slots are known. One counts as much less as the least probable of
        its slots may be wrong: where a slot is another one, the wording does not teach that there is none."""
        least = pl.col("slots").list.eval(pl.element().struct.field("probability")).list.min()
        known = rows.drop_nulls("slots").sort("utterance", "intent")
        known = known.with_columns(pl.col("weight") * least.fill_null(1.0))
        letters = int(known["utterance"].str.len_chars().sum())
        if letters > MOST_LETTERS:
            part = folds(known["utterance"].to_list(), PARTS)
            known = known.filter(pl.Series(part < PARTS * MOST_LETTERS // letters))
        return TaggedWordings(
            known["utterance"].to_list(),
            known["intent"].to_list(),
            known["slots"].to_list(),
            known["weight"].to_numpy().astype(np.float64),
        )

    def some(self, chosen: npt.NDArray[np.bool_]) -> "TaggedWordings":
        """Those that are chosen."""
        at = np.flatnonzero(chosen)
        wordings, intents = ([of[n] for n in at] for of in (self.wordings, self.intents))
        return TaggedWordings(wordings, intents, [self.slots[n] for n in at], self.weights[at])
