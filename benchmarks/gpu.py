"""Neighbours on a GPU, to 20 million rows: time, memory of the process and recall of each index.

usage: python benchmarks/gpu.py [ROWS...]

Says so and ends where FAISS finds no GPU. The vectors are drawn, not embedded: 256 wide, float16, in groups of
ten around a common centre, so that each row has near neighbours as wordings have. Recall is of the ten nearest
by exact search, on 500 rows.
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

from mining import neighbours
from mining.neighbours import Search, nearest

SIZES = [1_000_000, 5_000_000, 20_000_000]
WIDTH, GROUP, AT_ONCE = 256, 10, 500_000
SPREAD = 0.04


def drawn(rows: int) -> np.ndarray:
    """rows x 256, float16, unit length."""
    made = np.empty((rows, WIDTH), np.float16)
    for start in range(0, rows, AT_ONCE):
        rng = np.random.default_rng(start)
        wanted = min(AT_ONCE, rows - start)
        centres = rng.standard_normal((-(-wanted // GROUP), WIDTH), dtype=np.float32)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        part = np.repeat(centres, GROUP, axis=0)[:wanted]
        part += SPREAD * rng.standard_normal(part.shape, dtype=np.float32)
        made[start : start + wanted] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return made


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("rows", nargs="*", type=int, default=SIZES, metavar="ROWS")
    asked = arguments.parse_args()
    if getattr(neighbours.library(), "get_num_gpus", lambda: 0)() == 0:
        print("not measured: FAISS finds no GPU here")
        return
    card = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{card.stdout.strip()}\n\n| rows | index | seconds | peak memory, GiB | recall |")
    print("|---|---|---|---|---|")
    for rows in asked.rows:
        vectors = drawn(rows)
        began = time.perf_counter()
        near = nearest(vectors, Search(memory=48 * 2**30))
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"| {rows:,} | {near.index} | {seconds:.1f} | {peak:.1f} | {near.recall:.3f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
