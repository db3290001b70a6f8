"""What the vectors alone say a wording means: one head for all locales, which no locale's words can drown.

Multinomial logistic regression on vectors from the centre of each locale, by an encoder of many languages. A locale
that nobody annotated is read by what others' seed data and users taught. Out of fold, as in `classifier`; how much a
locale trusts it beside its own words is learned there, and falls as those are learned.

Notation and constants: docs/method.md, 5.
"""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from aggregation.label_model.cross_lingual import FOLDS, Elsewhere, Taught, Vectors, lesson

Floats = npt.NDArray[np.float64]

COST = 30.0  # inverse of the ridge
ROUNDS = 100
UNKNOWN = -12.0  # log probability of a label that a fold had no example of


def heads(parts: list[Taught], labels: int) -> list[Elsewhere]:
    """The head, for each locale; none where there are no vectors, or nothing is taught."""
    if not any(p.vectors.shape[1] for p in parts):
        return []
    said = [p.vectors[: len(p.wordings)] for p in parts]
    seed = [p.vectors[len(p.wordings) :] for p in parts]
    models = [_model(parts, said, seed, fold, labels) for fold in range(FOLDS)]
    if not all(models):
        return []
    return [Elsewhere(vectors, [m for m in models if m]) for vectors in said]


class _Model:
    """Log probabilities (rows x labels)."""

    def __init__(self, fitted: LogisticRegression, labels: int) -> None:
        self.fitted, self.labels = fitted, labels

    def __call__(self, vectors: Vectors) -> Floats:
        scores = np.full((len(vectors), self.labels), UNKNOWN)
        if len(vectors):
            told = self.fitted.predict_log_proba(vectors)
            scores[:, self.fitted.classes_] = np.maximum(told, UNKNOWN)
        return scores


def _model(
    parts: list[Taught], said: list[Vectors], seed: list[Vectors], fold: int, labels: int
) -> _Model | None:
    rows, answers, weights = lesson(parts, said, seed, fold)
    if len(np.unique(answers)) < 2:
        return None
    model = LogisticRegression(C=COST, max_iter=ROUNDS, tol=1e-3)
    return _Model(model.fit(np.concatenate(rows), answers, weights), labels)
