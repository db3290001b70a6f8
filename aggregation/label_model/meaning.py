"""What the vectors alone say a wording means: one head for all locales, which no locale's words can drown.

Multinomial logistic regression on vectors from the centre of each locale, by an encoder of many languages. A locale
that nobody annotated is read by what others' seed data and users taught. Out of fold, as in `classifier`; how much a
locale trusts it beside its own words is learned there, and falls as those are learned.

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from aggregation.label_model.cross_lingual import FOLDS, Taught, chosen

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

COST = 30.0  # inverse of the ridge
ROUNDS = 100
UNKNOWN = -12.0  # log probability of a label that a fold had no example of


class Head:
    """Log probabilities of the labels for the wordings of one locale, by models that never saw them."""

    def __init__(self, vectors: Vectors, models: Sequence["_Model"]) -> None:
        self.vectors, self.models = vectors, models

    def scores(self, rows: Indices, fold: int) -> Floats:
        """rows x labels; the rows must be of that fold."""
        return self.models[fold](self.vectors[rows])


def heads(parts: list[Taught], labels: int) -> list[Head]:
    """The head, for each locale; none where there are no vectors, or nothing is taught."""
    if not any(p.vectors.shape[1] for p in parts):
        return []
    models = [_model(parts, fold, labels) for fold in range(FOLDS)]
    if not all(models):
        return []
    return [Head(p.vectors[: len(p.wordings)], [m for m in models if m]) for p in parts]


class _Model:
    def __init__(self, fitted: LogisticRegression, labels: int) -> None:
        self.fitted, self.labels = fitted, labels

    def __call__(self, vectors: Vectors) -> Floats:
        scores = np.full((len(vectors), self.labels), UNKNOWN)
        if len(vectors):
            told = self.fitted.predict_log_proba(vectors)
            scores[:, self.fitted.classes_] = np.maximum(told, UNKNOWN)
        return scores


def _model(parts: list[Taught], fold: int, labels: int) -> _Model | None:
    vectors, truth, weights = [], [], []
    for part, some in zip(parts, chosen(parts, fold), strict=True):
        vectors += [part.vectors[len(part.wordings) :], part.vectors[some]]
        truth += [part.seed_labels, part.best[some]]
        mean = part.weight[some].mean() if len(some) else 1.0
        weights += [np.ones(len(part.seed_labels)), part.weight[some] / mean]
    answers = np.concatenate(truth)
    if len(np.unique(answers)) < 2:
        return None
    model = LogisticRegression(C=COST, max_iter=ROUNDS, tol=1e-3)
    return _Model(model.fit(np.concatenate(vectors), answers, np.concatenate(weights)), labels)
