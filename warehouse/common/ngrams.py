"""Utterances as n-grams: two to four characters inside words, and one or two words, in any script."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer

CHARACTERS: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (2, 4)}
WORDS: dict[str, Any] = {"token_pattern": r"\S+", "ngram_range": (1, 2)}
BUCKETS = 2**18  # of each kind


def counts(kind: dict[str, Any], buckets: int = BUCKETS) -> HashingVectorizer:
    """What counts the n-grams of a kind (CHARACTERS or WORDS) into hashed buckets; it learns nothing (Weinberger et al. 2009)."""
    return HashingVectorizer(**kind, n_features=buckets, norm=None, alternate_sign=False)


_BOTH = counts(CHARACTERS), counts(WORDS)


def hashed(utterances: list[str], dtype: Any = np.float64) -> csr_matrix:
    """utterances x 2 BUCKETS: damped counts of character and word n-grams, unit length for each kind."""
    if not utterances:
        return csr_matrix((0, 2 * BUCKETS), dtype=dtype)
    return hstack(
        [_damped(kind.transform(utterances).tocsr()) for kind in _BOTH], dtype=dtype
    ).tocsr()


def _damped(rows: csr_matrix) -> csr_matrix:
    rows.data = 1 + np.log(rows.data)
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.repeat(1 / np.maximum(length, 1e-12), np.diff(rows.indptr))
    return csr_matrix((rows.data * scale, rows.indices, rows.indptr), rows.shape)
