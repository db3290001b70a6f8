"""Two classes told apart without labels: a mixture over binned, class-conditionally independent
features, fitted by EM in the manner of Fellegi and Sunter (1969, JASA 64:1183), as record linkage
has it. Smoothed by half a count a bin; features that are missing have a bin of their own.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bins = npt.NDArray[np.int64]

ROUNDS = 60
SMOOTH = 0.5


@dataclass(frozen=True)
class Mixture:
    """`log_odds[f][b]`: what bin b of feature f says for the first class; `prior`: its share."""

    prior: float
    log_odds: tuple[Floats, ...]

    def probability(self, bins: Bins) -> Floats:
        """Of each row of `bins` (rows x features), to be of the first class."""
        odds = np.log(self.prior / (1 - self.prior)) + sum(
            table[bins[:, f]] for f, table in enumerate(self.log_odds)
        )
        return np.asarray(1 / (1 + np.exp(-odds)))


def fit(bins: Bins, sizes: list[int], start: Floats) -> Mixture:
    """Fit to rows x features of bin numbers below `sizes`; `start` is a first guess for each row."""
    patterns, inverse, counts = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
    belief = np.bincount(inverse.ravel(), start) / counts
    for _ in range(ROUNDS):
        mixture = _maximise(patterns, counts, sizes, belief)
        belief = mixture.probability(patterns)
    return mixture


def _maximise(patterns: Bins, counts: Bins, sizes: list[int], belief: Floats) -> Mixture:
    tables = []
    for feature, size in enumerate(sizes):
        ours = np.bincount(patterns[:, feature], counts * belief, size) + SMOOTH
        theirs = np.bincount(patterns[:, feature], counts * (1 - belief), size) + SMOOTH
        tables.append(np.log(ours / ours.sum()) - np.log(theirs / theirs.sum()))
    prior = float(np.clip((counts @ belief) / counts.sum(), 1e-3, 1 - 1e-3))
    return Mixture(prior, tuple(tables))
