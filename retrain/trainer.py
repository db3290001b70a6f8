"""The reference trainer: one linear model of all locales, over n-grams and an encoder's vectors, that
learns soft labels by their cross-entropy.

Convex, solved over all rows at once (L-BFGS), so that the same lesson gives the same model; on a GPU
where there is one.
"""

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, diags
from scipy.special import log_softmax

from retrain.encoder import Encoder
from retrain.model import UNKNOWN, Floats, Indices, Model, Weights, aligned, grams

RIDGE = 0.1
ROUNDS = 80
EASE = 0.005  # about p (1 - p) of a label that has its share of the wordings
HISTORY = 6
RAREST = 2  # wordings that must share an n-gram
FIRM = 4.0  # believed examples that a row of seed data is worth, so that it is never drowned
CLOSE = 0.5  # length of a vector beside n-grams of length 1
FAINTEST = 0.05  # a label less probable than this teaches nothing
SHARPNESS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
FOLDS = 5


@dataclass(frozen=True)
class Lesson:
    """Wordings, each once, what they mean, and how much each counts. `shares` is wordings x labels, its
    rows sum to 1."""

    wordings: list[str]
    labels: list[str]
    shares: csr_matrix
    weights: Floats

    def of(self, some: npt.NDArray[np.bool_]) -> "Lesson":
        wordings = [u for u, chosen in zip(self.wordings, some, strict=True) if chosen]
        return Lesson(wordings, self.labels, self.shares[some], self.weights[some])


def lesson(seed: pl.DataFrame, examples: pl.DataFrame | None = None) -> Lesson:
    """Seed rows (`utterance, intent`) at weight FIRM beside examples at a mean weight of 1."""
    rows = seed.select("utterance", label="intent", weight=pl.lit(FIRM))
    if examples is not None and examples.height:
        soft = (
            examples.select(
                "utterance",
                "labels",
                "probabilities",
                share=pl.col("weight") / pl.col("weight").mean(),
            )
            .explode("labels", "probabilities")
            .filter(pl.col("probabilities") >= FAINTEST)
            .select("utterance", label="labels", weight=pl.col("share") * pl.col("probabilities"))
        )
        rows = pl.concat([rows, soft])
    rows = rows.group_by("utterance", "label").agg(pl.col("weight").sum())
    wordings, labels = (rows[c].unique().sort() for c in ("utterance", "label"))
    item, label = _places(rows["utterance"], wordings), _places(rows["label"], labels)
    told = csr_matrix(
        (rows["weight"].to_numpy().astype(np.float64), (item, label)), (len(wordings), len(labels))
    )
    weights = np.asarray(told.sum(axis=1), np.float64).ravel()
    shares = csr_matrix(told.multiply(1 / weights[:, None]))
    return Lesson(wordings.to_list(), labels.to_list(), shares, weights)


def _places(values: pl.Series, known: pl.Series) -> Indices:
    return values.replace_strict(known, range(len(known)), return_dtype=pl.Int64).to_numpy()


@dataclass(frozen=True)
class Reading:
    """What the model sees of wordings: n-grams, and vectors (none without an encoder)."""

    grams: csr_matrix
    vectors: Weights
    encoder: Encoder | None

    @staticmethod
    def of(wordings: list[str], encoder: Encoder | None) -> "Reading":
        vectors = encoder.embed(wordings) if encoder else np.zeros((len(wordings), 0), np.float32)
        return Reading(grams(wordings), vectors, encoder)

    def at(self, some: npt.NDArray[np.bool_]) -> "Reading":
        return Reading(self.grams[some], self.vectors[some], self.encoder)


def train(taught: Lesson, encoder: Encoder | None = None) -> Model:
    """A model of the lesson; the same lesson gives the same model. Needs two labels at least."""
    return _fit(taught, Reading.of(taught.wordings, encoder))


def cross_fit(taught: Lesson, cases: list[str], encoder: Encoder | None) -> tuple[Model, Floats]:
    """A model of the lesson, and what models of it would score the `cases` that never saw them (cases
    x labels): of each fold of the cases one that was taught all the rest, wordings that differ in letter
    case being one. UNKNOWN where the rest has fewer than two labels."""
    reading = Reading.of(taught.wordings, encoder)
    asked = Reading.of(cases, encoder)
    fold = folds(cases)
    measured = {u.casefold() for u in cases}
    mine = np.array([u.casefold() in measured for u in taught.wordings], bool)
    fold_of = np.where(mine, folds(taught.wordings), -1)
    scores = np.full((len(cases), len(taught.labels)), UNKNOWN)
    for k in np.unique(fold):
        rest, here = fold_of != k, fold == k
        if len(np.unique(taught.shares[rest].indices)) < 2:
            continue  # nothing to learn there
        model = _fit(taught.of(rest), reading.at(rest))
        found = model.own_scores(asked.grams[here], asked.vectors[here])
        scores[here] = aligned(found, model.labels, taught.labels)
    return _fit(taught, reading), scores


def folds(wordings: list[str]) -> Indices:
    """The fold of each wording: the same for ever, in whatever locale and letter case."""
    return np.array([_hashed(u.casefold()) % FOLDS for u in wordings], np.int64)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


def sharpest(scores: Floats, truth: Indices) -> float:
    """The factor under which the true labels (columns of `scores`) are most likely."""
    if not len(truth):
        return 1.0
    rows = np.arange(len(truth))
    gains = [log_softmax(s * scores, axis=1)[rows, truth].mean() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]


def _fit(taught: Lesson, reading: Reading) -> Model:
    used = np.flatnonzero(np.diff(taught.shares.tocsc().indptr))
    common = np.flatnonzero(
        np.bincount(reading.grams.indices, minlength=reading.grams.shape[1]) >= RAREST
    )
    seen = reading.grams[:, common].tocsr()
    found = _solved(seen, CLOSE * reading.vectors, taught.shares[:, used].toarray(), taught.weights)
    return Model(
        [taught.labels[i] for i in used],
        common.astype(np.int64),
        found[: len(common)],
        found[-1],
        meaning=CLOSE * found[len(common) : -1],
        encoder=reading.encoder,
    )


def _solved(seen: csr_matrix, vectors: Weights, shares: Floats, weights: Floats) -> Weights:
    """(n-grams + dimensions + 1) x labels: the weights of least cross-entropy with a ridge; the last
    row are offsets.

    They are sought in units of their own curvature (a diagonal preconditioner): n-grams that nearly
    every wording has would else keep the rare ones waiting.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    unit = _units(seen, vectors, weights)
    wide = seen.shape[1]

    def sparse(matrix: csr_matrix) -> Any:
        parts = (
            torch.from_numpy(p)
            for p in (matrix.indptr, matrix.indices, matrix.data.astype(np.float32))
        )
        with warnings.catch_warnings():  # of a "beta state"; the two products used here are plain
            warnings.simplefilter("ignore", UserWarning)
            made = torch.sparse_csr_tensor(*parts, matrix.shape, check_invariants=False)
        return made.to(device)

    def dense(values: npt.NDArray[Any]) -> Any:
        return torch.from_numpy(values.astype(np.float32)).to(device)

    scaled = (seen @ diags(unit[:wide])).tocsr()
    rows, turned = sparse(scaled), sparse(scaled.T.tocsr())
    ones = np.ones((len(weights), 1))
    points = dense(np.hstack([vectors, ones]) * unit[wide:])
    ridge = dense(RIDGE * unit**2)[:, None]
    ridge[-1] = 0.0
    targets, worth = dense(shares), dense(weights)[:, None]
    found = torch.zeros(len(unit), targets.shape[1], device=device)
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
        max_iter=ROUNDS,
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-4,
        tolerance_change=1e-7,
    )
    with torch.no_grad():
        solver.step(cost)
    return np.asarray(found.cpu().numpy() * unit[:, None], np.float32)


def _units(seen: csr_matrix, vectors: Weights, weights: Floats) -> Floats:
    """Of each n-gram, dimension and the offset: one over the root of what its weight's curvature is
    like."""
    of_grams = np.asarray(seen.multiply(seen).T @ weights).ravel()
    of_vectors = weights @ vectors.astype(np.float64) ** 2
    whole = np.concatenate([of_grams, of_vectors, [weights.sum()]])
    return np.asarray(1 / np.sqrt(EASE * whole + RIDGE))
