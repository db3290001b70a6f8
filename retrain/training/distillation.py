"""A small model without an encoder, taught by the answers of the large one (distillation; Hinton et al. 2015, arXiv
1503.02531) on everything that was said, labelled or not: what a phone can hold.

Notation and constants: docs/method.md, 9.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, vstack
from scipy.special import softmax

from retrain.training.data import TrainingData, parts
from retrain.training.model import MEMORY, UNKNOWN, Model, aligned
from retrain.training.solver import Capacity, Floats
from retrain.training.trainer import Reference, SeenWordings, fit

MIB = 20  # of a locale, with the models whose answers are held
MOST_GRAMS = 300_000  # that a laptop can still solve for
TEMPERATURE = 2.5  # by which the teacher's scores are divided
FAINTEST = 1e-3  # a softened answer less probable than this teaches nothing
RIDGE = 0.003
ROUNDS = 80


@dataclass(frozen=True)
class Student:
    """Trains the small model: by a `teacher`, on what was `said` (`locale, utterance`), of which no wording may be a
    case."""

    teacher: Reference
    said: pl.DataFrame

    def cross_fit(self, taught: TrainingData, cases: pl.DataFrame) -> tuple[Model, Floats]:
        """A case's fold is scored by a student whose teacher never saw it either."""
        asked = cases["utterance"].to_list()
        others = self._others(taught, asked)
        said = others["utterance"].to_list()
        seen = SeenWordings.of(taught.wordings, taught.locales, self.teacher.encoder)
        beside = SeenWordings.of(said, others["locale"].to_list(), self.teacher.encoder)
        grams = SeenWordings.of(asked, cases["locale"].to_list(), None).grams
        scores = np.full((len(asked), len(taught.labels)), UNKNOWN)
        for rest, here in parts(taught, asked):
            model = self._student(taught.of(rest), seen.at(rest), others, beside)
            scores[here] = aligned(model.own_scores(grams[here], None), model.labels, taught.labels)
        return self._student(taught, seen, others, beside), scores

    def _others(self, taught: TrainingData, cases: list[str]) -> pl.DataFrame:
        """What was said beside what is taught and the cases, letter case apart, each wording once."""
        known = pl.Series([u.casefold() for u in (*taught.wordings, *cases)], dtype=pl.String)
        mine = pl.col("utterance").map_elements(str.casefold, pl.String)
        rest = self.said.filter(~mine.is_in(known.implode()))
        return rest.sort("utterance", "locale").unique("utterance", maintain_order=True)

    def _student(
        self, taught: TrainingData, seen: SeenWordings, others: pl.DataFrame, beside: SeenWordings
    ) -> Model:
        teacher = fit(taught, seen)
        answers = [_answers(teacher, part, taught.labels) for part in (seen, beside)]
        told = TrainingData(
            [*taught.wordings, *others["utterance"]],
            [*taught.locales, *others["locale"]],
            taught.labels,
            csr_matrix(vstack(answers)),
            np.concatenate([taught.weights, np.ones(others.height)]),
        )
        grams = csr_matrix(vstack([seen.grams, beside.grams]))
        blind = np.zeros((len(told.wordings), 0), np.float32)
        return fit(told, SeenWordings(grams, blind, None), _capacity(told))


def _capacity(taught: TrainingData) -> Capacity:
    """Answers of a teacher are no noise, so that hardly any ridge is needed; over n-grams of which the weights fit."""
    most = MIB * 2**20 * len(set(taught.locales)) / (1 + MEMORY)
    room = int(most / (8 + 4 * len(taught.labels)))  # bytes of an n-gram and its weights
    return Capacity(max(1, min(MOST_GRAMS, room)), RIDGE, ROUNDS)


def _answers(teacher: Model, seen: SeenWordings, labels: list[str]) -> csr_matrix:
    """wordings x labels, softened; rows sum to 1."""
    scores = aligned(teacher.own_scores(seen.grams, seen.vectors), teacher.labels, labels)
    soft = np.asarray(softmax(scores / TEMPERATURE, axis=1))
    soft[soft < FAINTEST] = 0.0
    return csr_matrix(soft / soft.sum(axis=1, keepdims=True))
