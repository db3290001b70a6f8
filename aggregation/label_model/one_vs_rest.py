"""One against the rest, among those labels alone that a wording could mean: linear support vector machines whose work grows
with the candidates of a wording, not with the number of labels.

The candidates are what a ridge regression suggests over a sketch of what is seen (feature hashing; Weinberger et al. 2009,
arXiv 0902.2206). Small lessons are told apart from all labels.

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from joblib import Parallel, cpu_count, delayed
from scipy.linalg import solve
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

COST = 0.2
TOLERANCE = 0.1
CANDIDATES = 16  # labels that a wording is told apart from, beside its own
SKETCH = (
    512  # columns; of 27,000 wordings .995 have their own label among 12, with 1,024 columns .997
)
RIDGE = 1.0
SMALL = 600_000  # wordings x labels, up to which all are candidates: with 9,000 wordings of 60 labels they hardly save time
UNSEEN = -3.0  # score of a label that there was no example of
ALONE = 1.0  # of one that there is nothing to tell it from
SEED = 0


@dataclass(frozen=True)
class _Suggesting:
    """Names the candidates of rows."""

    sketch: csr_matrix  # features x SKETCH
    weights: Floats  # SKETCH and an offset x labels

    @staticmethod
    def fit(rows: csr_matrix, truth: Indices, weights: Floats, labels: int) -> "_Suggesting":
        """`truth` are places among the labels."""
        rng, wide = np.random.default_rng(SEED), rows.shape[1]
        place, sign = rng.integers(SKETCH, size=wide), rng.choice([-1.0, 1.0], wide)
        sketch = csr_matrix((sign.astype(np.float32), (np.arange(wide), place)), (wide, SKETCH))
        seen = _seen(rows, sketch)
        worth = weights.astype(np.float32)[:, None]
        meant = np.zeros((len(truth), labels), np.float32)
        meant[np.arange(len(truth)), truth] = 1.0
        square = ((worth * seen).T @ seen).astype(np.float64)
        square[np.diag_indices_from(square)] += RIDGE
        return _Suggesting(sketch, solve(square, (worth * seen).T @ meant, assume_a="pos"))

    def __call__(self, rows: csr_matrix) -> Bools:
        """rows x labels."""
        told = _seen(rows, self.sketch) @ self.weights
        most = np.argpartition(-told, CANDIDATES - 1, axis=1)[:, :CANDIDATES]
        found = np.zeros(told.shape, np.bool_)
        np.put_along_axis(found, most, values=True, axis=1)
        return found


def _seen(rows: csr_matrix, sketch: csr_matrix) -> npt.NDArray[np.float32]:
    held = (rows @ sketch).toarray().astype(np.float32)
    return np.hstack([held, np.ones((len(held), 1), np.float32)])


@dataclass(frozen=True)
class OneVsRest:
    """`known` are the labels that there were examples of; `weights` (features x known) and `offsets` tell each of them."""

    labels: int
    known: Indices
    weights: npt.NDArray[np.float32]
    offsets: Floats
    suggesting: _Suggesting | None

    def __call__(self, rows: csr_matrix) -> Floats:
        """rows x labels: a score. What is no candidate of a row was never told from its likes, and scores at most as the
        median of the candidates."""
        scores = np.full((rows.shape[0], self.labels), UNSEEN)
        if not rows.shape[0]:
            return scores
        told = rows @ self.weights + self.offsets
        if self.suggesting:
            candidates = self.suggesting(rows)
            middle = np.nanmedian(np.where(candidates, told, np.nan), axis=1, keepdims=True)
            told = np.where(candidates, told, np.minimum(told, middle))
        scores[:, self.known] = told
        return scores


@dataclass(frozen=True)
class Lesson:
    """Rows of features, the label number of each, and how much it weighs."""

    rows: csr_matrix
    truth: Indices
    weights: Floats

    @property
    def size(self) -> int:
        """rows x labels"""
        return int(self.rows.shape[0]) * len(np.unique(self.truth))


def fit_all(lessons: Sequence[Lesson], labels: int) -> list[OneVsRest]:
    """A model of each lesson; large ones side by side, in processes of their own, for liblinear's random numbers are shared
    by all threads of one."""
    cores = min(len(lessons), cpu_count())
    if cores < 2 or sum(x.size for x in lessons) <= SMALL:
        return [fit(x.rows, x.truth, x.weights, labels) for x in lessons]
    one = (delayed(fit)(x.rows, x.truth, x.weights, labels) for x in lessons)
    return list(Parallel(n_jobs=cores)(one))


def fit(rows: csr_matrix, truth: Indices, weights: Floats, labels: int) -> OneVsRest:
    """What rows of features, the label number of each and how much it weighs teach of so many labels; the same lesson gives
    the same scores."""
    known, place = np.unique(truth, return_inverse=True)
    rows = rows.astype(np.float64)  # as liblinear takes it
    told = np.zeros((rows.shape[1], len(known)), np.float32)
    offsets, suggesting = np.full(len(known), ALONE), None
    if len(known) > CANDIDATES and rows.shape[0] * len(known) > SMALL:
        suggesting = _Suggesting.fit(rows, place, weights, len(known))
        candidates = suggesting(rows)
        candidates[np.arange(len(place)), place] = True
        for n in range(len(known)):
            some = np.flatnonzero(candidates[:, n])
            right = place[some] == n
            if not right.all():
                plane, offset = _svm(rows[some], right, weights[some])
                told[:, n], offsets[n] = plane[-1], offset[-1]
    elif len(known) > 1:
        planes, offsets = _svm(rows, place, weights)
        told = planes.T.astype(np.float32, order="C")
    return OneVsRest(labels, known, told, offsets, suggesting)


def _svm(rows: csr_matrix, truth: Indices | Bools, weights: Floats) -> tuple[Floats, Floats]:
    """Of each of the labels that are told apart: weights of the features, and the offset."""
    model = LinearSVC(C=COST, tol=TOLERANCE, random_state=SEED).fit(rows, truth, weights)
    told, offsets = model.coef_, model.intercept_
    if len(told) == 1:  # two labels are told apart by one plane
        told, offsets = np.concatenate([-told, told]), np.concatenate([-offsets, offsets])
    return told, offsets
