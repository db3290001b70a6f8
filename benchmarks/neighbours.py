"""Neighbours above a threshold of many wordings: time, peak memory and recall, ours beside others'.

usage: python benchmarks/neighbours.py [ROWS...] [--folder FOLDER]

The same invented wordings and vectors (benchmarks/invented.py; made once, kept in FOLDER) go to each, in a process
of its own with two threads; loading the vectors is not counted. All give, or use, the neighbours of each row above
the threshold, ours and exact search at most 10. Recall is of those that exact search gives on 1,000 rows. A rival
that took longer than ten minutes is not asked for more rows. The rivals need benchmarks/rivals/requirements.txt.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

THREADS = 2
SIZES = [20_000, 100_000, 300_000, 1_000_000]
THRESHOLD = 0.83
MOST = 10
SAMPLE = 1_000
LIMIT = 600  # seconds

Found = Callable[
    [np.ndarray], list[set[int]]
]  # rows asked for -> their neighbours above the threshold


def sayagain(vectors: np.ndarray) -> Found:
    from mining.clustering.neighbours import Search, nearest

    near = nearest(vectors, Search(MOST, THRESHOLD))
    print(near.index, file=sys.stderr)
    return lambda rows: _above(near.found[rows], near.similar[rows], rows)


def exact(vectors: np.ndarray) -> Found:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    similar, found = index.search(vectors, MOST + 1)
    return lambda rows: _above(found[rows], similar[rows], rows)


def semhash(vectors: np.ndarray) -> Found:
    from semhash import SemHash

    names = [str(n) for n in range(len(vectors))]
    made = SemHash.from_embeddings(vectors, names, model=None)  # type: ignore[arg-type]
    made.self_deduplicate(threshold=THRESHOLD)

    def found(rows: np.ndarray) -> list[set[int]]:
        near = made.index.query_threshold(vectors[rows], threshold=THRESHOLD)
        return [
            {int(n) for n in mine} - {row}
            for (mine, _), row in zip(near, rows.tolist(), strict=True)
        ]

    return found


def community_detection(vectors: np.ndarray) -> Found:
    from sentence_transformers.util import community_detection as detect

    detect(vectors, THRESHOLD, min_community_size=2)
    return lambda rows: _above(*exact_of(vectors, rows), rows)  # it compares all with all


CONTENDERS = [sayagain, exact, semhash, community_detection]


def exact_of(vectors: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import faiss

    similar, found = faiss.knn(vectors[rows], vectors, MOST + 1, metric=faiss.METRIC_INNER_PRODUCT)
    return found, similar


def _above(found: np.ndarray, similar: np.ndarray, rows: np.ndarray) -> list[set[int]]:
    return [
        set(mine[close >= THRESHOLD].tolist()) - {row}
        for mine, close, row in zip(found, similar, rows.tolist(), strict=True)
    ]


def alone(name: str, place: Path) -> None:
    """One contender in this process; prints its figures."""
    import faiss
    import torch

    faiss.omp_set_num_threads(THREADS)
    torch.set_num_threads(THREADS)
    vectors = np.load(place).astype(np.float32)
    began = time.perf_counter()
    found = globals()[name](vectors)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows = np.sort(np.random.default_rng(3).permutation(len(vectors))[:SAMPLE])
    truth = _above(*exact_of(vectors, rows), rows)
    hits = sum(min(len(t), len(f & t)) for t, f in zip(truth, found(rows), strict=True))
    recall = hits / sum(map(len, truth))
    print(json.dumps({"seconds": seconds, "peak": peak, "recall": recall}))


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("rows", nargs="*", type=int, default=SIZES, metavar="ROWS")
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "vectors")
    arguments.add_argument("--only", nargs="*", default=[c.__name__ for c in CONTENDERS])
    arguments.add_argument("--alone", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.alone:
        alone(asked.alone, asked.folder)
        return
    import invented

    print("| wordings | | seconds | peak memory, GiB | recall |\n|---|---|---|---|---|")
    contenders = list(asked.only)
    for wanted in asked.rows:
        invented.vectors(wanted, asked.folder)
        place = asked.folder / f"vectors-{wanted}.npy"
        for name in list(contenders):
            command = [sys.executable, __file__, "--alone", name, "--folder", str(place)]
            environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
            try:
                done = subprocess.run(
                    command, env=environment, stdout=subprocess.PIPE, timeout=LIMIT, check=True
                )
                f = json.loads(done.stdout)
                told = f"{f['seconds']:.1f} | {f['peak']:.1f} | {f['recall']:.3f}"
            except subprocess.TimeoutExpired:
                contenders.remove(name)
                told = f"more than {LIMIT} | | "
            except subprocess.CalledProcessError as error:
                contenders.remove(name)
                told = f"ended with {error.returncode} | | "
            print(f"| {wanted:,} | {name} | {told} |", flush=True)


if __name__ == "__main__":
    main()
