"""Distinct whole numbers."""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def distinct(numbers: Indices) -> Indices:
    """The numbers once each, in order. By sorting: `numpy.unique` hashes them since 2.3, which takes ten times as long where
    most repeat."""
    ordered = np.sort(numbers)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
