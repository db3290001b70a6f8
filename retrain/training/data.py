"""What a model is taught: wordings with soft labels, each with its weight; and how it is parted, so that
each case is scored by a model that never saw it.

Notation and constants: docs/method.md, 9.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, diags

from retrain.training.model import Model
from retrain.training.solver import Floats, Indices
from warehouse.common.folds import folds

FIRM = 4.0  # believed examples that a row of seed data is worth, so that it is never drowned
FAINTEST = 0.05  # a label less probable than this teaches nothing
FOLDS = 5
Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingData:
    """Wordings, each once, the locale in which each says most, what they mean, and how much each counts. `shares` is
    wordings x labels, its rows sum to 1."""

    wordings: list[str]
    locales: list[str]
    labels: list[str]
    shares: csr_matrix
    weights: Floats

    def of(self, some: npt.NDArray[np.bool_]) -> "TrainingData":
        wordings, locales = (
            [value for value, chosen in zip(values, some, strict=True) if chosen]
            for values in (self.wordings, self.locales)
        )
        return TrainingData(wordings, locales, self.labels, self.shares[some], self.weights[some])


class CrossFitter(Protocol):
    """Whatever turns a lesson into a model: the reference one, or the user's own program."""

    def cross_fit(self, taught: TrainingData, cases: pl.DataFrame) -> tuple[Model, Floats]:
        """A model of the lesson, and what models of it would score the `cases` (`locale, utterance`) that never saw
        them (cases x labels), after `parts`. Needs two labels at least."""


def training_data(
    seed: pl.DataFrame,
    examples: pl.DataFrame | None = None,
    variants: pl.DataFrame | None = None,
) -> TrainingData:
    """Seed rows (`locale, utterance, intent`) at weight FIRM beside examples at a mean weight of 1; `variants` of
    examples weigh as much less as they say."""
    rows = seed.select("locale", "utterance", label="intent", weight=pl.lit(FIRM))
    if examples is not None and examples.height:
        soft_columns = ["locale", "utterance", "labels", "probabilities", "weight"]
        frames = [examples] if variants is None else [examples, variants]
        soft = (
            pl.concat(frame.select(soft_columns) for frame in frames)
            .with_columns(share=pl.col("weight") / examples["weight"].mean())
            .explode("labels", "probabilities")
            .filter(pl.col("probabilities") >= FAINTEST)
            .select(
                "locale",
                "utterance",
                label="labels",
                weight=pl.col("share") * pl.col("probabilities"),
            )
        )
        rows = pl.concat([rows, soft])
    spoken = _most_said(rows)
    rows = rows.group_by("utterance", "label").agg(pl.col("weight").sum())
    wordings, labels = (rows[c].unique().sort() for c in ("utterance", "label"))
    item, label = _places(rows["utterance"], wordings), _places(rows["label"], labels)
    told = csr_matrix(
        (rows["weight"].to_numpy().astype(np.float64), (item, label)), (len(wordings), len(labels))
    )
    weights = np.asarray(told.sum(axis=1), np.float64).ravel()
    shares = csr_matrix(told.multiply(1 / weights[:, None]))
    locales = [spoken[u] for u in wordings]
    return TrainingData(wordings.to_list(), locales, labels.to_list(), shares, weights)


def _most_said(rows: pl.DataFrame) -> dict[str, str]:
    """The locale in which each wording weighs most, the first of several."""
    weighed = rows.group_by("utterance", "locale").agg(pl.col("weight").sum())
    first = weighed.sort("weight", "locale", descending=[True, False]).unique(
        "utterance", keep="first", maintain_order=True
    )
    return dict(first.select("utterance", "locale").iter_rows())


def taught_by(taught: TrainingData, some: list[str], scores: Floats, share: float) -> TrainingData:
    """The lesson with a `share` of the targets of `some` wordings taken from a teacher: its log
    probabilities, wordings x labels (distillation, Hinton et al. 2015). Where it is sure of nothing known,
    its share is as much less."""
    place = {u: i for i, u in enumerate(some)}
    rows = np.array([place.get(u, -1) for u in taught.wordings], np.int64)
    theirs = np.exp(scores)
    theirs[theirs < FAINTEST] = 0.0
    sure = theirs.sum(axis=1)
    part = np.where(rows >= 0, share * np.minimum(sure, 1.0)[rows], 0.0)
    told = part > 0
    spread = csr_matrix((len(rows), len(taught.labels))).tolil()
    spread[np.flatnonzero(told)] = (theirs / np.maximum(sure, 1e-12)[:, None])[rows[told]]
    mixed = diags(1 - part) @ taught.shares + diags(part) @ spread.tocsr()
    return replace(taught, shares=csr_matrix(mixed))


def _places(values: pl.Series, known: pl.Series) -> Indices:
    return values.replace_strict(known, range(len(known)), return_dtype=pl.Int64).to_numpy()


def parts(taught: TrainingData, cases: list[str]) -> Iterator[tuple[Chosen, Chosen]]:
    """(what is taught, the cases) of each fold of the cases: all the rest is taught, wordings that differ
    in letter case being one. A fold is left out where the rest has fewer than two labels."""
    fold = folds(cases, FOLDS)
    measured = {u.casefold() for u in cases}
    mine = np.array([u.casefold() in measured for u in taught.wordings], bool)
    fold_of = np.where(mine, folds(taught.wordings, FOLDS), -1)
    for k in np.unique(fold):
        rest = fold_of != k
        if len(np.unique(taught.shares[rest].indices)) >= 2:
            yield rest, fold == k
