"""Folds of wordings for cross-validation, by their words alone, so that a wording that comes or goes moves no other."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def folds(wordings: Sequence[str], of: int) -> npt.NDArray[np.int64]:
    """The fold of each wording, of so many: the same for ever, in whatever locale and letter case."""
    return np.array([_hashed(u.casefold()) % of for u in wordings], np.int64)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
