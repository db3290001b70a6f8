"""What two wordings have in common, word by word, weighed by how rare the words are in this log.

Likeness is symmetric and fails on fragments: "jazz" after "play some jazz please". So containment is
told beside it, in both directions, and the rarest word that both have.

Notation and constants: docs/method.md, 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags
from sklearn.feature_extraction.text import HashingVectorizer

from warehouse.common.tokens import UNSPACED

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# A word; where no spaces are written, a letter.
TOKEN = rf"(?u){UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})[\w'’])+"
BUCKETS = 2**20
AT_ONCE = 100_000  # pairs


@dataclass(frozen=True)
class Shared:
    """A row a pair. `mass` is the sum of inverse document frequencies of the words of each side, `common`
    of those that both have, `rarest` the largest of these; all as shares of the rarest word there is."""

    source_mass: Floats
    target_mass: Floats
    common: Floats
    rarest: Floats

    @property
    def jaccard(self) -> Floats:
        """What both have of what either has."""
        return self.common / np.maximum(self.source_mass + self.target_mass - self.common, 1e-9)

    @property
    def in_source(self) -> Floats:
        """The share of the later wording that the earlier one has."""
        return self.common / np.maximum(self.target_mass, 1e-9)

    @property
    def in_target(self) -> Floats:
        """The share of the earlier wording that the later one has."""
        return self.common / np.maximum(self.source_mass, 1e-9)

    @property
    def contained(self) -> Floats:
        """The share of the shorter one that the other has."""
        return np.minimum(
            self.common / np.maximum(np.minimum(self.source_mass, self.target_mass), 1e-9), 1.0
        )


class Words:
    """The words of distinct wordings, each said in so many `turns`."""

    def __init__(self, wordings: Sequence[str], turns: Indices) -> None:
        read = HashingVectorizer(
            token_pattern=TOKEN,
            n_features=BUCKETS,
            binary=True,
            norm=None,
            alternate_sign=False,
            dtype=np.float32,
        )
        said = csr_matrix(read.transform(wordings))
        often = np.asarray(said.T @ turns.astype(np.float64)).ravel()
        whole = max(float(turns.sum()), 1.0)
        rare = np.log1p(whole) - np.log1p(often)
        self.rarity = csr_matrix(said @ diags((rare / np.log1p(whole)).astype(np.float32)))
        self.said = said
        self.mass = np.asarray(self.rarity.sum(axis=1), np.float64).ravel()
        self.count = np.diff(said.indptr)

    def shared(self, left: Indices, right: Indices) -> Shared:
        """What wordings `left` share with wordings `right`, place by place."""
        common, rarest = np.zeros(len(left)), np.zeros(len(left))
        for start in range(0, len(left), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            both = self.rarity[left[part]].multiply(self.said[right[part]]).tocsr()
            common[part] = np.asarray(both.sum(axis=1)).ravel()
            rarest[part] = np.asarray(both.max(axis=1).todense()).ravel()
        return Shared(self.mass[left], self.mass[right], common, rarest)
