"""A model in the loop that never saw the item: what the words alone say a wording means.

Linear one-against-rest over character and word n-grams, out of fold: the wordings of a fold are read
by a model of the other folds and of the seed data.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

FOLDS = 4
COST = 0.2
UNSEEN = -3.0  # score of a label that a fold had no example of
SHARPNESS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
SEED = 0


@dataclass(frozen=True)
class Texts:
    """Wordings and seed data of one locale as n-gram counts; `seed_labels` are label numbers."""

    wordings: csr_matrix
    seed: csr_matrix
    seed_labels: Indices
    folds: Indices

    @staticmethod
    def of(wordings: list[str], seed: list[str], seed_labels: Indices) -> "Texts":
        rare = 2 if len(wordings) + len(seed) > 50 else 1
        grams = make_union(
            TfidfVectorizer(
                analyzer="char_wb",
                ngram_range=(2, 4),
                sublinear_tf=True,
                min_df=rare,
                dtype=np.float32,
            ),
            TfidfVectorizer(
                token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32
            ),
        ).fit([*seed, *wordings])
        folds = np.random.default_rng(SEED).integers(FOLDS, size=len(wordings))
        read = grams.transform([*wordings, *seed]).tocsr()
        return Texts(read[: len(wordings)], read[len(wordings) :], seed_labels, folds)


def read(texts: Texts, belief: Floats, weight: Floats) -> Floats:
    """wordings x labels: log-probability of each label, from a model that never saw the wording.

    `belief` (wordings x labels) is what the others are taken to mean, `weight` how much each teaches.
    """
    scores = np.full(belief.shape, UNSEEN)
    for k in range(FOLDS):  # one by one: liblinear's random numbers are shared by all threads
        scores[texts.folds == k] = _fold(texts, belief, weight, k)
    return log_softmax(_sharpest(scores, belief, weight) * scores, axis=1)


def _fold(texts: Texts, belief: Floats, weight: Floats, k: int) -> Floats:
    taught = (texts.folds != k) & (weight > 0)
    examples = vstack([texts.seed, texts.wordings[taught]])
    labels = np.concatenate([texts.seed_labels, belief[taught].argmax(axis=1)])
    mean = weight[taught].mean() if taught.any() else 1.0
    weights = np.concatenate([np.ones(len(texts.seed_labels)), weight[taught] / mean])
    scores = np.full(((texts.folds == k).sum(), belief.shape[1]), UNSEEN)
    known = np.unique(labels)
    if len(known) < 2 or not len(scores):
        scores[:, known] = 1.0
        return scores
    model = LinearSVC(C=COST, tol=0.1, random_state=SEED).fit(examples, labels, weights)
    decided = model.decision_function(texts.wordings[texts.folds == k])
    scores[:, known] = decided if decided.ndim == 2 else np.column_stack([-decided, decided])
    return scores


def _sharpest(scores: Floats, belief: Floats, weight: Floats) -> float:
    """The factor on the scores under which the belief of the wordings is most likely."""
    gains = [(weight[:, None] * belief * log_softmax(s * scores, axis=1)).sum() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]
