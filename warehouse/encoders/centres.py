"""Where the vectors of each locale lie: an encoder of many languages tells them apart before it tells meanings.

Taken from the centre of its own locale, a wording is compared with those of other locales by what it means alone
(Libovický et al. 2020, arXiv 2004.05160).

Notation and constants: docs/method.md, 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.encoders.encoder import Encoder, Vectors, unit

FEWEST = 5  # wordings, so that a centre leads back to none of them
WIDEST = 1.0  # mean squared distance of unit vectors from their mean, where no locale has two


@dataclass(frozen=True)
class Centres:
    """`of` each locale, in order, and last that of all: (locales + 1) x dimensions."""

    locales: tuple[str, ...]
    of: Vectors

    @staticmethod
    def found(locales: Sequence[str], vectors: Vectors) -> "Centres":
        """The centres of wordings, a locale each: of a locale with few, between their mean and that of all locales, the
        nearer to theirs the farther locales lie apart (empirical Bayes by moments; Efron and Morris 1975)."""
        names = tuple(sorted(set(locales)))
        row = np.searchsorted(names, list(locales))
        held = np.bincount(row, minlength=len(names))
        means = np.zeros((len(names), vectors.shape[1]))
        np.add.at(means, row, vectors)
        means /= held[:, None]
        spread = float(((vectors - means[row]) ** 2).sum() / max(1, len(vectors) - len(names)))
        noise = (spread if len(vectors) > len(names) else WIDEST) / held
        around = ((means - means.mean(axis=0)) ** 2).sum(axis=1)
        apart = max(0.0, float(around.sum() / max(1, len(names) - 1) - noise.mean()))
        known = np.where(held >= FEWEST, apart / (apart + noise + 1e-12), 0.0)[:, None]
        pooled = np.average(means, axis=0, weights=1e-9 + known.ravel())
        every = np.vstack([known * means + (1 - known) * pooled, pooled])
        return Centres(names, every.astype(np.float32))

    def centred(self, locales: Sequence[str | None], vectors: Vectors) -> Vectors:
        """The vectors from the centre of their locale, at length 1; from that of all where it is not known."""
        place = {name: at for at, name in enumerate(self.locales)}
        row = [
            place.get(name, len(self.locales)) if name else len(self.locales) for name in locales
        ]
        return unit(vectors - self.of[row])


@dataclass(frozen=True)
class CentredEncoder:
    """An encoder, and the centres of its vectors; without them vectors are taken as they are."""

    encoder: Encoder
    centres: Centres | None = None

    def embed(self, wordings: list[str], locales: Sequence[str | None] | None = None) -> Vectors:
        """wordings x dimensions, unit length."""
        return self.placed(self.encoder.embed(wordings), locales or [None] * len(wordings))

    def placed(self, vectors: Vectors, locales: Sequence[str | None]) -> Vectors:
        """What the encoder made, from the centre of each one's locale."""
        if self.centres is None or not len(vectors):
            return vectors
        return self.centres.centred(locales, vectors)
