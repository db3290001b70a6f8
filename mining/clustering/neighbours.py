"""Nearest wordings by FAISS: exact for small sets, an inverted file past that, widened until the
recall that was measured on a sample reaches a floor.

The wordings are the queries and the answers, so the cells of the inverted file hold what is near
anyway, and few cells are enough. Past a ceiling of memory the file holds product codes (Jégou et al.
2011), and the nearest by code are ranked again by their vectors. On a GPU that holds the
full vectors the same indexes live there, exact up to a larger size.

Notation and constants: docs/method.md, 4.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mining.clustering.encoder import SAME, Indices
from warehouse.encoders.encoder import Vectors
from warehouse.errors import SayagainError

EXACT_UP_TO = 10_000  # rows
GPU_EXACT_UP_TO = 500_000
SAMPLE = 500  # rows whose exact neighbours are found, to measure recall
CELL = 128  # rows of a cell
FIRST_CELLS = 2  # looked into at first
POINTS_PER_CELL = 64  # that teach the cells
ROUNDS = 6  # of k-means
CELLS_BY_GRAPH = 1_000  # from so many on, the nearest cells are found by a graph too
CANDIDATES = 16  # times k, by code, ranked again by vector
RANKED_AT_ONCE = 1_000  # queries
AT_ONCE = 50_000  # queries
COMPARED_AT_ONCE = 1_000_000  # rows, with the sample
GPU_SHARE = 0.4  # of a card's memory, that the vectors may take as float32
GPU_MOST_CELLS = 2_048  # FAISS looks into no more on a GPU
SEED = 7

Ask = Callable[["Stored", int], tuple[Vectors, Indices]]  # of queries and k: cosines and indices
Stored = npt.NDArray[np.floating[Any]]  # float16 or float32, rows of unit length


@dataclass(frozen=True)
class Search:
    """What is looked for: `k` neighbours of each row; `threshold` is the cosine from which two
    wordings mean the same; `floor` the least recall; `memory` bytes for the vectors of an index."""

    k: int = 10
    threshold: float = SAME
    floor: float = 0.95
    memory: int = 4 * 2**30


@dataclass(frozen=True)
class Nearest:
    """Of each row its nearest others: rows x k indices, -1 where there is none, and their cosines;
    `recall` is the share of the k nearest that was found, on a sample."""

    found: Indices
    similar: Vectors
    index: str
    recall: float

    def about(self) -> dict[str, Any]:
        return {"wordings": len(self.found), "index": self.index, "recall": round(self.recall, 4)}


def library() -> Any:
    """FAISS; raises SayagainError with the command that installs it."""
    try:
        return importlib.import_module("faiss")
    except ImportError:
        raise SayagainError(
            "FAISS is missing: pip install 'sayagain[cpu]' (or 'sayagain[gpu]' with an NVIDIA card),"
            " exactly one of the two"
        ) from None


def nearest(vectors: Stored, search: Search) -> Nearest:
    """Of each row of `vectors` (unit length) its k nearest others."""
    gpu = on_gpu(vectors)
    if len(vectors) <= (GPU_EXACT_UP_TO if gpu else EXACT_UP_TO):
        return by_all(vectors, search, gpu=gpu)
    return by_cells(vectors, search, gpu=gpu)


def on_gpu(vectors: Stored) -> bool:
    """Whether FAISS sees a GPU that holds these vectors and leaves room to work."""
    if not getattr(library(), "get_num_gpus", lambda: 0)():
        return False
    import torch

    return bool(4 * vectors.size <= GPU_SHARE * torch.cuda.mem_get_info()[1])


def by_all(vectors: Stored, search: Search, *, gpu: bool) -> Nearest:
    """The true neighbours, every row compared with every other."""
    index = library().IndexFlatIP(vectors.shape[1])
    index = library().index_cpu_to_all_gpus(index) if gpu else index
    _add(index, vectors)
    found, similar = _all(_asking(index), vectors, search.k, codes=False)
    return Nearest(found, similar, "exact", 1.0)


def exact(vectors: Stored, queries: Indices, k: int) -> tuple[Indices, Vectors]:
    """The k nearest others of some rows: (queries x k indices, cosines); nothing is indexed."""
    wanted = min(k + 1, len(vectors))
    asked = vectors[queries].astype(np.float32)
    best = np.full((len(queries), wanted), -np.inf, np.float32)
    found = np.full((len(queries), wanted), -1, np.int64)
    for start in range(0, len(vectors), COMPARED_AT_ONCE):
        part = vectors[start : start + COMPARED_AT_ONCE].astype(np.float32, copy=False)
        metric = library().METRIC_INNER_PRODUCT
        near, places = library().knn(asked, part, min(wanted, len(part)), metric=metric)
        both = np.hstack([best, near])
        order = np.argsort(-both, axis=1, kind="stable")[:, :wanted]
        best = np.take_along_axis(both, order, axis=1)
        found = np.take_along_axis(np.hstack([found, places + start]), order, axis=1)
    return _without_self(found, best, queries, k)


def by_cells(vectors: Stored, search: Search, *, gpu: bool) -> Nearest:
    """By an inverted file (Jégou et al. 2011), looking into as many cells as the floor asks for."""
    faiss = library()
    rows, width = vectors.shape
    codes = not gpu and vectors.size * 4 > search.memory
    drawn = np.random.default_rng(SEED)
    lists = rows // CELL
    taught = np.sort(drawn.permutation(rows)[: lists * POINTS_PER_CELL])
    centres = _centres(vectors[taught].astype(np.float32), lists)
    lists = len(centres)
    cells = _cells(centres, graph=lists >= CELLS_BY_GRAPH and not gpu)
    kind, metric = f"PQ{width // 2}x4" if codes else "flat", faiss.METRIC_INNER_PRODUCT
    index = (
        faiss.IndexIVFPQFastScan(cells, width, lists, width // 2, 4, metric)
        if codes
        else faiss.IndexIVFFlat(cells, width, lists, metric)
    )
    index.train(vectors[taught].astype(np.float32))
    if gpu:
        index = faiss.index_cpu_to_all_gpus(index)
    _add(index, vectors)

    def looking_into(some: int) -> Ask:
        if hasattr(cells, "hnsw"):
            cells.hnsw.efSearch = max(32, 4 * some)
        index.nprobe = some
        return _asking(index)

    most = min(lists, GPU_MOST_CELLS) if gpu else lists
    looked, recall = _widened(looking_into, (FIRST_CELLS, most), vectors, search, codes=codes)
    found, similar = _all(looking_into(looked), vectors, search.k, codes=codes)
    return Nearest(found, similar, f"{looked} of {lists} cells, {kind}", recall)


def _asking(index: Any) -> Ask:
    def ask(queries: Stored, wanted: int) -> tuple[Vectors, Indices]:
        near, found = index.search(queries.astype(np.float32, copy=False), wanted)
        return near, found

    return ask


def _widened(
    at: Callable[[int], Ask],
    between: tuple[int, int],
    vectors: Stored,
    search: Search,
    *,
    codes: bool,
) -> tuple[int, float]:
    """The least width, doubled from the first on, at which the recall on a sample reaches the floor,
    and that recall; else the last width."""
    sample = np.sort(np.random.default_rng(SEED + 1).permutation(len(vectors))[:SAMPLE])
    truth = exact(vectors, sample, search.k)[1]
    width, last = between
    while True:
        recall = _recall(truth, _some(at(width), vectors, sample, search.k, codes=codes)[1])
        if recall >= search.floor or width >= last:
            return width, recall
        width = min(2 * width, last)


def _centres(points: Vectors, wanted: int) -> Vectors:
    """About so many centres by k-means within k-means, so that their number costs its logarithm."""
    faiss = library()

    def means(of: Vectors, into: int) -> Any:
        into = max(1, min(into, len(of)))
        made = faiss.Kmeans(
            of.shape[1],
            into,
            niter=ROUNDS,
            seed=SEED,
            spherical=True,
            min_points_per_centroid=1,
            max_points_per_centroid=len(of),
        )
        made.train(of)
        return made

    coarse = means(points, int(np.sqrt(wanted)))
    of = coarse.index.search(points, 1)[1].ravel()
    return np.concatenate(
        [
            means(part, round(wanted * len(part) / len(points))).centroids
            for part in (points[of == group] for group in np.unique(of))
        ]
    )


def _cells(centres: Vectors, *, graph: bool) -> Any:
    faiss = library()
    if not graph:
        cells = faiss.IndexFlatIP(centres.shape[1])
        cells.add(centres)
        return cells
    cells = faiss.IndexHNSWFlat(centres.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # several link the graph differently each time
    cells.add(centres)
    faiss.omp_set_num_threads(threads)
    return cells


def _recall(truth: Vectors, found: Vectors) -> float:
    """The share of the true neighbours found; one that is as near as the last is as good."""
    there = truth > -1
    last = np.where(there, truth, np.inf).min(axis=1, keepdims=True) - 1e-5
    hits = np.minimum((found >= last).sum(axis=1), there.sum(axis=1))
    return float(hits.sum() / max(1, there.sum()))


def _add(index: Any, vectors: Stored) -> None:
    for start in range(0, len(vectors), AT_ONCE):
        index.add(vectors[start : start + AT_ONCE].astype(np.float32, copy=False))


def _all(ask: Ask, vectors: Stored, k: int, *, codes: bool) -> tuple[Indices, Vectors]:
    found = np.empty((len(vectors), k), np.int64)
    similar = np.empty((len(vectors), k), np.float32)
    for start in range(0, len(vectors), AT_ONCE):
        rows = np.arange(start, min(len(vectors), start + AT_ONCE))
        found[rows], similar[rows] = _some(ask, vectors, rows, k, codes=codes)
    return found, similar


def _some(
    ask: Ask, vectors: Stored, rows: Indices, k: int, *, codes: bool
) -> tuple[Indices, Vectors]:
    wanted = min(k * CANDIDATES if codes else k + 1, len(vectors))
    similar, found = ask(vectors[rows], wanted)
    if codes:
        found, similar = _ranked(vectors, vectors[rows].astype(np.float32), found, k + 1)
    return _without_self(found.astype(np.int64), similar, rows, k)


def _ranked(vectors: Stored, queries: Vectors, found: Indices, k: int) -> tuple[Indices, Vectors]:
    """The candidates with the greatest cosines to their query, by vector."""
    best = np.empty((len(found), k), np.int64)
    cosines = np.empty((len(found), k), np.float32)
    for start in range(0, len(found), RANKED_AT_ONCE):
        part = slice(start, start + RANKED_AT_ONCE)
        candidates = vectors[np.maximum(found[part], 0)].astype(np.float32)
        exactly = np.einsum("qd,qcd->qc", queries[part], candidates)
        exactly[found[part] < 0] = -1.0
        order = np.argsort(-exactly, axis=1, kind="stable")[:, :k]
        best[part] = np.take_along_axis(found[part], order, axis=1)
        cosines[part] = np.take_along_axis(exactly, order, axis=1)
    return best, cosines


def _without_self(
    found: Indices, similar: Vectors, queries: Indices, k: int
) -> tuple[Indices, Vectors]:
    """Drop each query from its own list (its twins may stand before it), else the last of the list."""
    width = found.shape[1]
    own = found == queries[:, None]
    own[~own.any(axis=1), -1] = True
    others = found[~own].reshape(len(found), width - 1)
    cosines = np.where(others < 0, -1.0, similar[~own].reshape(len(found), width - 1))
    missing = ((0, 0), (0, k - (width - 1)))
    return (
        np.pad(others, missing, constant_values=-1),
        np.pad(cosines, missing, constant_values=-1.0).astype(np.float32),
    )
