"""The cosine from which two wordings mean the same, for an encoder that is set: encoders differ in how far apart they
keep what means other things.

Far-apart pairs are two wordings of a locale whose users were executed other intents. As rare as they are above the
threshold of the log's own encoder, so rare they are to be above this one (an empirical null distribution; Efron 2004).

Notation and constants: docs/method.md, 4.
"""

import numpy as np
import polars as pl

from mining.clustering.encoder import SAME
from warehouse.encoders.encoder import Vectors

FAR = 0.001  # share of far-apart pairs above SAME there: .0006 to .0019 in five simulated locales
SAMPLE = 500  # wordings of a locale
FEWEST = 2_000  # far-apart pairs, from which they are believed
LEAST, MOST = 0.4, 0.98
SEED = 0
KEY = ["locale", "utterance"]


def learned(wordings: pl.DataFrame, vectors: Vectors, hypotheses: pl.DataFrame) -> float:
    """The threshold for `wordings` (`locale, utterance`), whose unit vectors are given, by what was executed
    (`locale, utterance, intent, executed_users`)."""
    best = (
        hypotheses.filter((pl.col("intent") != "") & (pl.col("executed_users") > 0))
        .sort("executed_users", "intent", descending=[True, False])
        .unique(KEY, keep="first")
    )
    known = wordings.with_row_index("row").join(best, on=KEY, maintain_order="left")
    far = [
        _far(vectors[part["row"].to_numpy()], part["intent"].to_numpy())
        for part in known.partition_by("locale", maintain_order=True)
    ]
    cosines = np.concatenate([np.empty(0, np.float32), *far])
    if len(cosines) < FEWEST:
        return SAME
    return float(np.clip(np.quantile(cosines, 1 - FAR), LEAST, MOST))


def _far(vectors: Vectors, meant: np.ndarray) -> Vectors:
    """The cosines of pairs that mean other things, among a sample."""
    some = np.random.default_rng(SEED).permutation(len(vectors))[:SAMPLE]
    cosines = vectors[some].astype(np.float32) @ vectors[some].astype(np.float32).T
    one, other = np.triu_indices(len(some), 1)
    apart = meant[some][one] != meant[some][other]
    return np.asarray(cosines[one[apart], other[apart]], np.float32)
