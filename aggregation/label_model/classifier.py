"""A model in the loop that never saw the item: what the words alone say a wording means.

Out of fold: one against the rest (`one_vs_rest`) over character and word n-grams and the vectors of the night's encoder (which
users who said one wording for another have taught), out of fold: the wordings of a fold are read
by a model of the other folds and of the seed data. Labels that neither the words suggest nor anybody
asked for are left out, so that thousands of labels fit.

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack, vstack
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union

from aggregation.label_model.cross_lingual import (
    CLOSE,
    FOLDS,
    SEED,
    principal,
)
from aggregation.label_model.one_vs_rest import Lesson, OneVsRest, fit_all
from aggregation.label_model.sparse import row_best
from warehouse.common.ngrams import CHARACTERS, WORDS

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

MOST = 50_000  # wordings that teach; seed data always does
SUGGESTED = 12  # labels that the words suggest for a wording
FAINTEST = 1e-9
MOST_TRUST = 16.0  # factor on the scores
TRUST = 3.0  # factor before anything was seen
FIRM = 0.3  # how firmly it is meant
SAMPLE = 6_000  # wordings by which the trust is chosen
BLOCK = 4_096  # wordings read at a time


@dataclass(frozen=True)
class Texts:
    """Wordings and seed data of one locale as n-gram counts; `seed_labels` are label numbers."""

    wordings: csr_matrix
    seed: csr_matrix
    seed_labels: Indices
    folds: Indices

    @staticmethod
    def of(
        wordings: list[str],
        seed: list[str],
        seed_labels: Indices,
        vectors: Vectors,
        folds: Indices,
    ) -> "Texts":
        """`vectors` has a row for each wording, then each row of seed data; or no columns."""
        rare = 2 if len(wordings) + len(seed) > 50 else 1
        grams = make_union(
            TfidfVectorizer(
                **CHARACTERS,
                sublinear_tf=True,
                min_df=rare,
                dtype=np.float32,
            ),
            TfidfVectorizer(**WORDS, sublinear_tf=True, dtype=np.float32),
        )
        read = hstack(
            [grams.fit_transform([*wordings, *seed]), csr_matrix(CLOSE * principal(vectors))],
            dtype=np.float32,
        ).tocsr()
        return Texts(read[: len(wordings)], read[len(wordings) :], seed_labels, folds)


class Voice(Protocol):
    """Whatever scores the labels for the wordings of one locale, by models that never saw them."""

    def scores(self, rows: Indices, fold: int) -> Floats:
        """rows x labels; the rows must be of that fold."""


@dataclass(frozen=True)
class Others:
    """What other locales know (`elsewhere`), and how much their own words are to be trusted."""

    elsewhere: Sequence[Voice]
    trust: float


@dataclass(frozen=True)
class Read:
    """`words` (wordings x labels): probabilities; and the `trust` in each voice."""

    words: csr_matrix
    trust: Floats


def read(
    texts: Texts,
    belief: csr_matrix,
    weight: Floats,
    asked: csr_matrix,
    others: Others,
) -> Read:
    """What the words suggest for each wording, and for the labels that are `asked`, by models that never
    saw the wording.

    `belief` (wordings x labels) is what the others are taken to mean, `weight` how much each teaches.
    """
    taught = row_best(belief)
    lessons = [_lesson(texts, taught, weight, k) for k in range(FOLDS)]
    models = fit_all(lessons, belief.shape[1])
    voices = _Voices(texts, models, others.elsewhere)
    trust = _trust(voices, belief, weight, others.trust)
    rows, columns, shares = [], [], []
    for k in range(FOLDS):
        mine = np.flatnonzero(texts.folds == k)
        for block in (mine[i : i + BLOCK] for i in range(0, len(mine), BLOCK)):
            shares_of = softmax(np.tensordot(trust, voices(block, k), 1), axis=1)
            row, column = kept(shares_of, asked[block])
            rows.append(block[row])
            columns.append(column)
            shares.append(np.maximum(shares_of[row, column], FAINTEST))
    place = np.concatenate(rows), np.concatenate(columns)
    return Read(csr_matrix((np.concatenate(shares), place), belief.shape), trust)


def _lesson(texts: Texts, best: Indices, weight: Floats, k: int) -> Lesson:
    """What the other folds teach a model that must not see one: MOST of their wordings."""
    taught = np.flatnonzero((texts.folds != k) & (weight > 0))
    taught = np.sort(np.random.default_rng(SEED).permutation(taught)[:MOST])
    mean = weight[taught].mean() if len(taught) else 1.0
    return Lesson(
        vstack([texts.seed, texts.wordings[taught]]).tocsr(),
        np.concatenate([texts.seed_labels, best[taught]]),
        np.concatenate([np.ones(len(texts.seed_labels)), weight[taught] / mean]),
    )


@dataclass(frozen=True)
class _Voices:
    """The locale's own models, and what is known elsewhere."""

    texts: Texts
    models: list[OneVsRest]
    elsewhere: Sequence[Voice]

    def __call__(self, rows: Indices, fold: int) -> Floats:
        """voices x rows x labels: the scores of each for wordings of a fold."""
        own = self.models[fold](self.texts.wordings[rows])
        return np.stack([own, *(voice.scores(rows, fold) for voice in self.elsewhere)])


def _trust(voices: _Voices, belief: csr_matrix, weight: Floats, expected: float) -> Floats:
    """The factor on the scores of each voice under which the belief of the wordings is most likely (a
    logarithmic opinion pool; Genest and Zidek 1986); before any was seen, they share what is `expected`."""
    texts = voices.texts
    few = np.random.default_rng(SEED).permutation(texts.wordings.shape[0])[:SAMPLE]
    few = few[weight[few] > 0]
    folds = [few[texts.folds[few] == k] for k in range(FOLDS)]
    scores = np.concatenate([voices(rows, k) for k, rows in enumerate(folds)], axis=1)
    rows = np.concatenate(folds)
    meant = belief[rows].toarray() * weight[rows, None]
    start = np.full(len(scores), expected / len(scores))

    def loss(trust: Floats) -> tuple[float, Floats]:
        pooled = log_softmax(np.tensordot(trust, scores, 1), axis=1)
        off = np.exp(pooled) * meant.sum(axis=1)[:, None] - meant
        pull = FIRM * (trust - start)
        cost = -(meant * pooled).sum() + pull @ (trust - start) / 2
        return float(cost), np.tensordot(scores, off, 2) + pull

    bounds = [(0.0, MOST_TRUST)] * len(scores)
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def kept(shares: Floats, asked: csr_matrix) -> tuple[Indices, Indices]:
    """The places (rows, labels) of the shares that are worth keeping: SUGGESTED of each row, and what is asked."""
    most = min(SUGGESTED, shares.shape[1])
    wanted = np.zeros(shares.shape, np.bool_)
    top = np.argpartition(-shares, most - 1, axis=1)[:, :most]
    np.put_along_axis(wanted, top, values=True, axis=1)
    wanted[asked.nonzero()] = True
    row, column = np.nonzero(wanted)
    return row.astype(np.int64), column.astype(np.int64)
