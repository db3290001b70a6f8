"""A map of clusters: near ones are said alike (t-SNE, van der Maaten and Hinton 2008).

Notation and constants: docs/method.md, 10.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from warehouse.encoders.encoder import Vectors

MOST = 1_500  # clusters on the map, those of most users
ROUNDS = 500  # half of what scikit-learn takes, for the time; how much the map would still move was not measured
FEWEST = 4  # below, a map says nothing


def places(wordings: pl.DataFrame, vectors: Vectors) -> pl.DataFrame:
    """`cluster_id, x, y` of the largest clusters, in -1 to 1.

    `wordings` has `cluster_id, users`, a row for each of the `vectors`; a cluster lies where its wordings
    do in the mean, by their users.
    """
    largest = (
        wordings.group_by("cluster_id")
        .agg(pl.col("users").sum())
        .sort("users", "cluster_id", descending=[True, False])
        .head(MOST)["cluster_id"]
        .sort()
    )
    numbered = pl.DataFrame({"cluster_id": largest}).with_row_index("place")
    rows = wordings.with_row_index("row").join(numbered, on="cluster_id").sort("row")
    centres = np.zeros((len(largest), vectors.shape[1]), np.float64)
    weight = rows["users"].to_numpy().astype(np.float64)[:, None]
    np.add.at(centres, rows["place"].to_numpy(), vectors[rows["row"].to_numpy()] * weight)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    flat = _flat(centres)
    return pl.DataFrame({"cluster_id": largest, "x": flat[:, 0], "y": flat[:, 1]})


def _flat(centres: npt.NDArray[np.float64]) -> npt.NDArray[np.floating[Any]]:
    """Rows in two dimensions, in -1 to 1."""
    if len(centres) < FEWEST:
        angle = 2 * np.pi * np.arange(len(centres)) / max(1, len(centres))
        return np.asarray(np.round(np.column_stack([np.cos(angle), np.sin(angle)]) / 2, 2))
    start = PCA(2, random_state=0).fit_transform(centres)
    near = min(30.0, (len(centres) - 1) / 3)
    scaled = start / max(float(np.std(start[:, 0])), 1e-12) * 1e-4  # as van der Maaten starts it
    flat = TSNE(
        perplexity=near, init=scaled, random_state=0, metric="cosine", max_iter=ROUNDS
    ).fit_transform(centres)
    flat = flat - flat.mean(axis=0)
    return np.asarray(np.round(flat / max(float(np.abs(flat).max()), 1e-12), 3))
