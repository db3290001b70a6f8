"""Nearest wordings by FAISS: exact for small sets, an inverted file past that."""

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from mining.encoder import Vectors
from warehouse.errors import SayagainError

EXACT_UP_TO = 100_000  # wordings of one locale

Indices = npt.NDArray[np.int64]


def library() -> Any:
    """FAISS; raises SayagainError with the command that installs it."""
    try:
        return importlib.import_module("faiss")
    except ImportError:
        raise SayagainError(
            "FAISS is missing: pip install 'sayagain[cpu]' (or 'sayagain[gpu]' with an NVIDIA card),"
            " exactly one of the two"
        ) from None


def nearest(vectors: Vectors, k: int) -> tuple[Indices, Vectors]:
    """Of each row its k nearest others: (rows x k indices, rows x k cosines); -1 where there is none.

    `vectors` have unit length.
    """
    faiss = library()
    rows, width = vectors.shape
    if rows <= EXACT_UP_TO:
        index = faiss.IndexFlatIP(width)
    else:
        lists = int(4 * np.sqrt(rows))
        index = faiss.index_factory(width, f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT)
        index.nprobe = 32
    if getattr(faiss, "get_num_gpus", lambda: 0)() > 0:
        index = faiss.index_cpu_to_all_gpus(index)
    index.train(vectors)
    index.add(vectors)
    similar, found = index.search(vectors, min(k + 1, rows))
    return _without_self(found.astype(np.int64), similar, k)


def _without_self(found: Indices, similar: Vectors, k: int) -> tuple[Indices, Vectors]:
    """Drop each row from its own list (its twins may stand before it), else the last of the list."""
    rows, width = found.shape
    own = found == np.arange(rows)[:, None]
    own[~own.any(axis=1), -1] = True
    others, cosines = found[~own].reshape(rows, width - 1), similar[~own].reshape(rows, width - 1)
    missing = k - (width - 1)
    return (
        np.pad(others, ((0, 0), (0, missing)), constant_values=-1),
        np.pad(cosines, ((0, 0), (0, missing)), constant_values=-1.0),
    )
