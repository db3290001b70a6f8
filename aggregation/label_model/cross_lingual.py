"""What other locales know of the words: one classifier of all locales, over the n-grams that two of them share.

Loans, names and numbers, kindred languages, translations where a lexicon is given, and how often a label is
meant at all: a locale without seed data has nothing else to begin with. The wordings of a fold are read by a
model of the other folds, as in `classifier`; how much a locale trusts it beside its own classifier is learned there.

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from aggregation.label_model.one_vs_rest import Lesson, fit_all
from warehouse.common.ngrams import BUCKETS, hashed

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

FOLDS = 4
MOST = 20_000  # wordings that teach; seed data always does
SHARED = 2  # locales that must have an n-gram
CLOSE = 4.0  # length of a vector beside n-grams of length 1
DIMENSIONS = 96  # of vectors, those in which they differ most
SEED = 0


@dataclass(frozen=True)
class Taught:
    """What one locale teaches: `best` is the label that each wording is taken to mean, `weight` how much it
    teaches, `folds` which models never see it; `seed_labels` are those of the seed data. Labels are numbered
    alike in all locales."""

    wordings: list[str]
    best: Indices
    weight: Floats
    folds: Indices
    seed: list[str]
    seed_labels: Indices
    vectors: Vectors  # a row for each wording, then each row of seed data; or no columns


class Elsewhere:
    """Scores of the labels for the wordings of one locale, by models that never saw them: one a fold, of whatever is
    seen of the wordings (rows)."""

    def __init__(
        self, texts: csr_matrix | Vectors, models: Sequence[Callable[..., Floats]]
    ) -> None:
        self.texts, self.models = texts, models

    def scores(self, rows: Indices, fold: int) -> Floats:
        """rows x labels; the rows must be of that fold."""
        return self.models[fold](self.texts[rows])


def together(parts: list[Taught], labels: int) -> list[Elsewhere]:
    """What is known together, for each locale; nothing where there is only one, or nothing is taught."""
    if len(parts) < SHARED:
        return []
    said, seed = _shared(parts)
    lessons = []
    for fold in range(FOLDS):
        rows, answers, weights = lesson(parts, said, seed, fold)
        if len(np.unique(answers)) < 2:
            return []
        lessons.append(Lesson(vstack(rows).tocsr(), answers, weights))
    models = fit_all(lessons, labels)
    return [Elsewhere(texts, models) for texts in said]


def _shared(parts: list[Taught]) -> tuple[list[csr_matrix], list[csr_matrix]]:
    """Of each locale its wordings and its seed data, as damped counts of the n-grams that another has too."""
    said = [hashed(p.wordings, np.float32) for p in parts]
    seed = [hashed(p.seed, np.float32) for p in parts]
    held = sum(
        (
            np.asarray(vstack([a, b]).getnnz(axis=0) > 0, np.int64)
            for a, b in zip(said, seed, strict=True)
        ),
        np.zeros(2 * BUCKETS, np.int64),
    )
    common = np.flatnonzero(held >= SHARED)
    return [a.tocsr()[:, common] for a in said], [b.tocsr()[:, common] for b in seed]


def principal(vectors: Vectors) -> Vectors:
    """The vectors (rows) in the DIMENSIONS in which they differ most."""
    if vectors.shape[1] <= DIMENSIONS:
        return vectors
    _, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    return np.asarray(vectors @ directions[:, : -DIMENSIONS - 1 : -1], np.float32)


def lesson(
    parts: list[Taught], said: list[Any], seed: list[Any], fold: int
) -> tuple[list[Any], Indices, Floats]:
    """What all locales teach a model that must not see the `fold`: rows of what is seen of their seed data and wordings,
    the label of each, and how much it weighs."""
    rows, truth, weights = [], [], []
    for part, texts, known, some in zip(parts, said, seed, _chosen(parts, fold), strict=True):
        rows += [known, texts[some]]
        truth += [part.seed_labels, part.best[some]]
        mean = part.weight[some].mean() if len(some) else 1.0
        weights += [np.ones(len(part.seed_labels)), part.weight[some] / mean]
    return rows, np.concatenate(truth), np.concatenate(weights)


def _chosen(parts: list[Taught], fold: int) -> Iterator[Indices]:
    """Of each locale the wordings that teach: MOST in all, those that are most surely known."""
    most = MOST // len(parts)
    for part in parts:
        taught = np.flatnonzero((part.folds != fold) & (part.weight > 0))
        first = np.argsort(-part.weight[taught], kind="stable")[:most]
        yield np.sort(taught[first])
