"""Multinomial logistic regression over sparse features and a few dense ones, by soft targets: their cross-entropy, against a
ridge.

Convex, solved over all rows at once (L-BFGS), so that the same lesson gives the same weights. On the processor
also where there is a GPU: the sparse product there gives other last digits each time.

Notation and constants: docs/method.md, 9.
"""

import inspect
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

RIDGE = 0.1
ROUNDS = 50
EASE = 0.005  # about p (1 - p) of a label that has its share of the wordings
HISTORY = 6
RAREST = 2  # wordings that must share an n-gram
MOST_GRAMS = 60_000  # those that most wordings share


@dataclass(frozen=True)
class Capacity:
    """How much a model may learn: over so many n-grams, those that most wordings share; against a `ridge`; in so many
    rounds."""

    grams: int = MOST_GRAMS
    ridge: float = RIDGE
    rounds: int = ROUNDS


def common(read: csr_matrix, many: int) -> Indices:
    """The n-grams that enough wordings share, so `many` of them."""
    held = np.bincount(read.indices, minlength=read.shape[1])
    most = np.argsort(-held, kind="stable")[:many]
    return np.sort(most[held[most] >= RAREST]).astype(np.int64)


def looked_up(seen: csr_matrix, features: Indices, weights: Weights) -> Floats:
    """rows x labels: what the `features` of each row weigh. Those that the rows have are looked up: a slice of the matrix, and a
    product with all weights, take as long as the model is large."""
    if not len(features):
        return np.zeros((seen.shape[0], weights.shape[1]))
    place = np.minimum(np.searchsorted(features, seen.indices), len(features) - 1)
    data = np.where(features[place] == seen.indices, seen.data, 0)
    rows, place = np.unique(place, return_inverse=True)
    held = csr_matrix((data, place, seen.indptr), (seen.shape[0], len(rows)))
    return np.asarray(held @ weights[rows], np.float64)


def solved(
    seen: csr_matrix, vectors: Weights, shares: Floats | Weights, weights: Floats, may: Capacity
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

    with torch.no_grad():
        _lbfgs(found, may.rounds).step(cost)
    return np.asarray(found.numpy() * unit[:, None], np.float32)


def _lbfgs(found: Any, rounds: int) -> Any:
    """PyTorch's solver without PyTorch's compiler, which would take two seconds to load and compile nothing here."""
    import torch

    class Uncompiled(torch.optim.LBFGS):  # type: ignore[misc]
        add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)

    return Uncompiled(
        [found],
        max_iter=rounds,
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-4,
        tolerance_change=1e-7,
    )


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
