"""The reference trainer: one linear model of all locales, over n-grams and an encoder's vectors, that
learns soft labels by their cross-entropy.

Convex, solved over all rows at once (L-BFGS), so that the same lesson gives the same model. On the processor
also where there is a GPU: the sparse product there gives other last digits each time.

Notation and constants: docs/method.md, 9.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, diags
from scipy.special import log_softmax

from retrain.training.data import TrainingData, parts
from retrain.training.model import UNKNOWN, Floats, Indices, Model, Weights, aligned
from warehouse.common.ngrams import hashed
from warehouse.encoders.centres import CentredEncoder

RIDGE = 0.1
ROUNDS = 50
EASE = 0.005  # about p (1 - p) of a label that has its share of the wordings
HISTORY = 6
RAREST = 2  # wordings that must share an n-gram
MOST_GRAMS = 60_000  # those that most wordings share
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


@dataclass(frozen=True)
class Capacity:
    """How much a model may learn: over so many n-grams, those that most wordings share; against a `ridge`; in so many
    rounds."""

    grams: int = MOST_GRAMS
    ridge: float = RIDGE
    rounds: int = ROUNDS


REFERENCE = Capacity()


def fit(taught: TrainingData, reading: SeenWordings, may: Capacity = REFERENCE) -> Model:
    """A model of the lesson, as its wordings are seen."""
    used = np.flatnonzero(np.diff(taught.shares.tocsc().indptr))
    common = _common(reading.grams, may.grams)
    seen = reading.grams[:, common].tocsr()
    close = CENTRED if reading.encoder and reading.encoder.centres else CLOSE
    shares = taught.shares[:, used].toarray()
    found = _solved(seen, close * reading.vectors, shares, taught.weights, may)
    return Model(
        [taught.labels[i] for i in used],
        common,
        found[: len(common)],
        found[-1],
        meaning=close * found[len(common) : -1],
        encoder=reading.encoder,
    )


def _common(read: csr_matrix, many: int) -> Indices:
    """The n-grams that enough wordings share, so `many` of them."""
    held = np.bincount(read.indices, minlength=read.shape[1])
    most = np.argsort(-held, kind="stable")[:many]
    return np.sort(most[held[most] >= RAREST]).astype(np.int64)


def _solved(
    seen: csr_matrix, vectors: Weights, shares: Floats, weights: Floats, may: Capacity
) -> Weights:
    """(n-grams + dimensions + 1) x labels: the weights of least cross-entropy with a ridge; the last
    row are offsets.

    They are sought in units of their own curvature (a diagonal preconditioner): n-grams that nearly
    every wording has would else keep the rare ones waiting.
    """
    import torch

    unit = _units(seen, vectors, weights, may.ridge)
    wide = seen.shape[1]
    scaled = (seen @ diags(unit[:wide])).tocsr()
    rows, turned = _sparse(scaled), _sparse(scaled.T.tocsr())
    ones = np.ones((len(weights), 1))
    points = _dense(np.hstack([vectors, ones]) * unit[wide:])
    ridge = _dense(may.ridge * unit**2)[:, None]
    ridge[-1] = 0.0
    targets, worth = _dense(shares), _dense(weights)[:, None]
    found = torch.zeros(len(unit), targets.shape[1])
    found.grad = torch.zeros_like(found)

    def cost() -> Any:
        scores = rows @ found[:wide] + points @ found[wide:]
        whole = torch.logsumexp(scores, 1, keepdim=True)
        wrong = worth * (torch.exp(scores - whole) - targets)
        found.grad[:wide] = turned @ wrong
        found.grad[wide:] = points.T @ wrong
        found.grad += ridge * found
        loss = (worth * (whole - (targets * scores).sum(1, keepdim=True))).sum()
        return loss + (ridge * found**2).sum() / 2

    solver = torch.optim.LBFGS(
        [found],
        max_iter=may.rounds,
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-4,
        tolerance_change=1e-7,
    )
    with torch.no_grad():
        solver.step(cost)
    return np.asarray(found.numpy() * unit[:, None], np.float32)


def _sparse(matrix: csr_matrix) -> Any:
    """A torch tensor, float32."""
    import torch

    parts = (
        torch.from_numpy(p) for p in (matrix.indptr, matrix.indices, matrix.data.astype(np.float32))
    )
    with warnings.catch_warnings():  # of a "beta state"; the two products used here are plain
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(*parts, matrix.shape, check_invariants=False)


def _dense(values: npt.NDArray[Any]) -> Any:
    """A torch tensor, float32."""
    import torch

    return torch.from_numpy(values.astype(np.float32))


def _units(seen: csr_matrix, vectors: Weights, weights: Floats, ridge: float) -> Floats:
    """Of each n-gram, dimension and the offset: one over the root of what its weight's curvature is
    like."""
    of_grams = np.asarray(seen.multiply(seen).T @ weights).ravel()
    of_vectors = weights @ vectors.astype(np.float64) ** 2
    whole = np.concatenate([of_grams, of_vectors, [weights.sum()]])
    return np.asarray(1 / np.sqrt(EASE * whole + ridge))
