"""What the project's own simulated worlds taught of pairs, failing turns and hypotheses: priors for any log.

`<name>.zip` holds a few boosted ensembles of small trees (treelite), each taught by other worlds, over features that are
told relative to the log; where they disagree, less is believed. card.json says how they were made and which features they
read, in their order. `make priors` makes them again.

Notation and constants: docs/method.md, 2.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import treelite
from scipy.special import expit

from mining.rephrases.features import Features

Floats = npt.NDArray[np.float64]

MISSING = -9.0  # what a feature that the log does not tell is read as; below all that are told
MOST_ODDS = 8.0  # log odds; no model is surer
AT_ONCE = 200_000  # rows


@dataclass(frozen=True)
class Prior:
    """Taught models, and the `names` of the features that they read."""

    names: list[str]
    models: list[treelite.Model]

    def probability(self, features: Features) -> Floats:
        """Of each row: by the mean of what the models say on the scale of log odds."""
        place = [features.names.index(name) for name in self.names]
        rows = read(features.values[:, place])
        odds = np.zeros(len(rows))
        for model in self.models:
            for start in range(0, len(rows), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                told = treelite.gtil.predict(model, rows[part], pred_margin=True).reshape(-1)
                odds[part] += np.clip(told, -MOST_ODDS, MOST_ODDS)
        return np.asarray(expit(odds / max(len(self.models), 1)))


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
    return Prior(names, [treelite.Model.deserialize_bytes(part) for part in parts])
