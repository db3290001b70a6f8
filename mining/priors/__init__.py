"""What the project's own simulated worlds taught of pairs, failing turns and hypotheses: priors for any log.

`<name>.zip` holds a few boosted ensembles of small trees (treelite), each taught by other worlds, over features that are
told relative to the log; where they disagree, less is believed. card.json says how they were made and which features they
read, in their order. `make priors` makes them again.

Notation and constants: docs/method.md, 2.
"""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import treelite
from scipy.special import expit

from mining.priors.trees import Trees
from mining.rephrases.features import Features

Floats = npt.NDArray[np.float64]

MISSING = -9.0  # what a feature that the log does not tell is read as; below all that are told
MOST_ODDS = 8.0  # log odds; no model is surer


@dataclass(frozen=True)
class Prior:
    """Taught ensembles, and the `names` of the features that they read."""

    names: list[str]
    models: list[treelite.Model]

    @cached_property
    def trees(self) -> Trees:
        return Trees.of(self.models, len(self.names))

    def probability(self, features: Features) -> Floats:
        """Of each row: by the mean of what the ensembles say on the scale of log odds."""
        place = [features.names.index(name) for name in self.names]
        odds = self.trees(read(features.values[:, place]))
        return np.asarray(expit(np.clip(odds, -MOST_ODDS, MOST_ODDS).mean(axis=0)))


def read(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The values as a model reads them."""
    return np.ascontiguousarray(np.nan_to_num(values, nan=MISSING), np.float32)


@cache
def prior(name: str) -> Prior:
    """The prior that ships with the project: `pairs`, `turns` or `hypotheses`."""
    folder = files("mining") / "priors"
    names = json.loads((folder / "card.json").read_text())["features"][name]
    with (folder / f"{name}.zip").open("rb") as file, ZipFile(file) as packed:
        parts = [packed.read(part) for part in sorted(packed.namelist())]
    models = [treelite.Model.deserialize_bytes(part) for part in parts]
    return Prior(names, models)
