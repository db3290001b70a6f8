"""How alike two wordings are, in any language: the cosine of their character n-grams, weighed by how
rare each is in the locale, so that a shared name counts and a shared "please" does not.

Words are not assumed: a text without spaces is one word. What was spoken is compared by its sound
too, since a recogniser mistakes what sounds the same.

Notation and constants: docs/method.md, 2.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from anyascii import anyascii
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer

from warehouse.common.ngrams import CHARACTERS, counts

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

BUCKETS = 2**20
AT_ONCE = 100_000  # pairs
# Letters that recognisers mistake for each other, after Soundex (Russell 1918); vowels say little.
SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556", "aeiouyhw'-.,?!")


class Wordings:
    """The distinct wordings of a locale, ready to be compared."""

    def __init__(self, wordings: Sequence[str], *, spoken: bool) -> None:
        self.texts = _weighed([w.lower() for w in wordings])
        self.sounds = _weighed([sound(w) for w in wordings]) if spoken else None

    def alike(self, left: Indices, right: Indices) -> Floats:
        """0..1 for each pair of places in the list; for spoken wordings the mean of text and sound."""
        found = np.zeros(len(left))
        for start in range(0, len(left), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            found[part] = _cosine(self.texts, left[part], right[part])
            if self.sounds is not None:
                found[part] += _cosine(self.sounds, left[part], right[part])
        return found if self.sounds is None else found / 2


def sound(wording: str) -> str:
    """How a wording sounds, roughly, in any script: its consonants by kind, none twice in a row.

    >>> sound("The Beatles") == sound("the beetles")
    True
    """
    spelled = anyascii(wording).lower().translate(SOUNDS)
    return re.sub(r"(\w)\1+", r"\1", spelled)


def _weighed(texts: list[str]) -> csr_matrix:
    grams = counts(CHARACTERS, BUCKETS)
    return csr_matrix(
        TfidfTransformer(sublinear_tf=True).fit_transform(grams.transform(texts).astype(np.float32))
    )


def _cosine(vectors: csr_matrix, left: Indices, right: Indices) -> Floats:
    return np.asarray(vectors[left].multiply(vectors[right]).sum(axis=1), np.float64).ravel()
