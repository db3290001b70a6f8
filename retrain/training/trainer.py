"""The reference trainer: one linear model of all locales, over n-grams and an encoder's vectors, that
learns soft labels by their cross-entropy.
Notation and constants: docs/method.md, 9.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from retrain.training.data import TrainingData, parts
from retrain.training.model import UNKNOWN, Model, aligned
from retrain.training.solver import Capacity, Floats, Indices, Weights, common, solved
from warehouse.common.ngrams import hashed
from warehouse.encoders.centres import CentredEncoder

CLOSE = 0.5  # length of a vector of the log's own encoder beside n-grams of length 1
CENTRED = 1.0  # and of one of many languages, from the centre of its locale
SHARPNESS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class SeenWordings:
    """What the model sees of wordings: n-grams, and vectors (none without an encoder)."""

    grams: csr_matrix
    vectors: Weights
    encoder: CentredEncoder | None

    @staticmethod
    def of(
        wordings: list[str], locales: list[str], encoder: CentredEncoder | None
    ) -> "SeenWordings":
        vectors = np.zeros((len(wordings), 0), np.float32)
        if encoder:
            vectors = encoder.embed(wordings, locales)
        return SeenWordings(hashed(wordings), vectors, encoder)

    def at(self, some: npt.NDArray[np.bool_]) -> "SeenWordings":
        return SeenWordings(self.grams[some], self.vectors[some], self.encoder)


def train(taught: TrainingData, encoder: CentredEncoder | None = None) -> Model:
    """A model of the lesson; the same lesson gives the same model. Needs two labels at least."""
    return fit(taught, SeenWordings.of(taught.wordings, taught.locales, encoder))


@dataclass(frozen=True)
class Reference:
    """The reference trainer, with the encoder of the night, if there is one."""

    encoder: CentredEncoder | None

    def cross_fit(self, taught: TrainingData, cases: pl.DataFrame) -> tuple[Model, Floats]:
        said = cases["utterance"].to_list()
        reading = SeenWordings.of(taught.wordings, taught.locales, self.encoder)
        asked = SeenWordings.of(said, cases["locale"].to_list(), self.encoder)
        scores = np.full((len(cases), len(taught.labels)), UNKNOWN)
        for rest, here in parts(taught, said):
            model = fit(taught.of(rest), reading.at(rest))
            found = model.own_scores(asked.grams[here], asked.vectors[here])
            scores[here] = aligned(found, model.labels, taught.labels)
        return fit(taught, reading), scores


def sharpest(scores: Floats, truth: Indices) -> float:
    """The factor under which the true labels (columns of `scores`) are most likely."""
    if not len(truth):
        return 1.0
    rows = np.arange(len(truth))
    gains = [log_softmax(s * scores, axis=1)[rows, truth].mean() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]


REFERENCE = Capacity()


def fit(taught: TrainingData, reading: SeenWordings, may: Capacity = REFERENCE) -> Model:
    """A model of the lesson, as its wordings are seen."""
    used = np.flatnonzero(np.diff(taught.shares.tocsc().indptr))
    kept = common(reading.grams, may.grams)
    seen = reading.grams[:, kept].tocsr()
    close = CENTRED if reading.encoder and reading.encoder.centres else CLOSE
    shares = taught.shares[:, used].toarray()
    found = solved(seen, close * reading.vectors, shares, taught.weights, may)
    return Model(
        [taught.labels[i] for i in used],
        kept,
        found[: len(kept)],
        found[-1],
        meaning=close * found[len(kept) : -1],
        encoder=reading.encoder,
    )
