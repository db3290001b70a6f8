"""What the project's own simulated worlds taught of pairs and of failing turns: priors for any log.

`<name>.treelite` is a boosted ensemble of small trees over features that are told relative to the log; card.json
says how it was made and which features it reads, in their order. `make priors` makes both again.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt
import treelite

from mining.rephrases.features import Features

Floats = npt.NDArray[np.float64]

MISSING = -9.0  # what a feature that the log does not tell is read as; below all that are told
AT_ONCE = 200_000  # rows


@dataclass(frozen=True)
class Prior:
    """A taught model, and the `names` of the features that it reads."""

    names: list[str]
    model: treelite.Model

    def probability(self, features: Features) -> Floats:
        """Of each row."""
        place = [features.names.index(name) for name in self.names]
        rows = read(features.values[:, place])
        parts = [
            treelite.gtil.predict(self.model, rows[start : start + AT_ONCE]).reshape(-1)
            for start in range(0, len(rows), AT_ONCE)
        ]
        return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def read(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The values as a model reads them."""
    return np.ascontiguousarray(np.nan_to_num(values, nan=MISSING), np.float32)


@cache
def prior(name: str) -> Prior:
    """The prior that ships with the project: `pairs` or `turns`."""
    folder = files("mining") / "priors"
    names = json.loads((folder / "card.json").read_text())["features"][name]
    with as_file(folder / f"{name}.treelite") as place:
        return Prior(names, treelite.Model.deserialize(str(place)))
