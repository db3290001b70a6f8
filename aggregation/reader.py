"""A model in the loop that never saw the item: what the words alone say a wording means.

Linear one-against-rest over character and word n-grams, out of fold: the wordings of a fold are read
by a model of the other folds and of the seed data. Labels that neither the words suggest nor anybody
asked for are left out, so that thousands of labels fit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

FOLDS = 4
COST = 0.2
UNSEEN = -3.0  # score of a label that a fold had no example of
SUGGESTED = 12  # labels that the words suggest for a wording
FAINTEST = 1e-9
SHARPNESS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
SAMPLE = 6_000  # wordings by which the sharpness is chosen
BLOCK = 8_192  # wordings read at a time
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


def read(texts: Texts, belief: csr_matrix, weight: Floats, asked: csr_matrix) -> csr_matrix:
    """wordings x labels: the probability of the labels that the words suggest, and of those `asked`,
    by a model that never saw the wording.

    `belief` (wordings x labels) is what the others are taken to mean, `weight` how much each teaches.
    """
    taught = np.asarray(belief.argmax(axis=1)).ravel()
    models = [_fold(texts, taught, weight, k, belief.shape[1]) for k in range(FOLDS)]
    sharp = _sharpest(texts, models, belief, weight)
    rows, columns, shares = [], [], []
    for k, model in enumerate(models):
        mine = np.flatnonzero(texts.folds == k)
        for block in (mine[i : i + BLOCK] for i in range(0, len(mine), BLOCK)):
            shares_of = softmax(sharp * model(texts.wordings[block]), axis=1)
            row, column = _kept(shares_of, asked[block])
            rows.append(block[row])
            columns.append(column)
            shares.append(np.maximum(shares_of[row, column], FAINTEST))
    place = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.concatenate(shares), place), belief.shape)


class _Fold:
    """Scores (wordings x labels) of a model that learned from the other folds."""

    def __init__(self, known: Indices, labels: int, model: LinearSVC | None) -> None:
        self.known, self.labels, self.model = known, labels, model

    def __call__(self, texts: csr_matrix) -> Floats:
        scores = np.full((texts.shape[0], self.labels), UNSEEN)
        if self.model is None:
            scores[:, self.known] = 1.0
            return scores
        decided = self.model.decision_function(texts)
        scores[:, self.known] = (
            decided if decided.ndim == 2 else np.column_stack([-decided, decided])
        )
        return scores


def _fold(texts: Texts, best: Indices, weight: Floats, k: int, labels: int) -> _Fold:
    """liblinear's random numbers are shared by all threads: folds are fitted one by one."""
    taught = (texts.folds != k) & (weight > 0)
    examples = vstack([texts.seed, texts.wordings[taught]])
    truth = np.concatenate([texts.seed_labels, best[taught]])
    mean = weight[taught].mean() if taught.any() else 1.0
    weights = np.concatenate([np.ones(len(texts.seed_labels)), weight[taught] / mean])
    known = np.unique(truth)
    if len(known) < 2:
        return _Fold(known, labels, None)
    model = LinearSVC(C=COST, tol=0.1, random_state=SEED).fit(examples, truth, weights)
    return _Fold(known, labels, model)


def _sharpest(texts: Texts, models: list[_Fold], belief: csr_matrix, weight: Floats) -> float:
    """The factor on the scores under which the belief of the wordings is most likely."""
    gains = np.zeros(len(SHARPNESS))
    few = np.random.default_rng(SEED).permutation(texts.wordings.shape[0])[:SAMPLE]
    for k, model in enumerate(models):
        rows = few[texts.folds[few] == k]
        if not len(rows):
            continue
        scores = model(texts.wordings[rows])
        meant = belief[rows].toarray() * weight[rows, None]
        gains += [(meant * log_softmax(s * scores, axis=1)).sum() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]


def _kept(shares: Floats, asked: csr_matrix) -> tuple[Indices, Indices]:
    most = min(SUGGESTED, shares.shape[1])
    wanted = np.zeros(shares.shape, np.bool_)
    top = np.argpartition(-shares, most - 1, axis=1)[:, :most]
    np.put_along_axis(wanted, top, values=True, axis=1)
    wanted[asked.nonzero()] = True
    row, column = np.nonzero(wanted)
    return row.astype(np.int64), column.astype(np.int64)
