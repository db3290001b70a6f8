"""Boosted trees read by bits, many rows at once (QuickScorer; Lucchese et al. 2015, SIGIR): each test that fails strikes out the
leaves on its left, and the first leaf that is left is the tree's.

treelite's own reader goes down each tree row by row: the same numbers, of 1.1 million pairs in 37 s
where this takes 12, both with two threads (2026-11-27).

Notation and constants: docs/method.md, 2.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import treelite

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]

LEAVES = 16  # of a tree at most: a bit each
BLOCK = 8_192  # rows read together: what is worked on stays in the processor's cache
# The first leaf that is left, by the bits of those that are struck out.
FIRST = np.array(
    [(~bits & (bits + 1)).bit_length() - 1 for bits in range(2**LEAVES - 1)] + [0], np.uint8
)


@dataclass(frozen=True)
class _Tree:
    """`tests`: feature, place of the threshold among the feature's, and the leaves that are struck out where the value is
    above it; `leaves`: LEAVES values."""

    tests: list[tuple[int, np.int16, np.int16]]
    leaves: Floats


@dataclass(frozen=True)
class Trees:
    """Ensembles over the same features: of each feature the `thresholds` of all trees, in order; of each ensemble its base
    score and trees."""

    thresholds: list[Values]
    ensembles: list[tuple[float, list[_Tree]]]

    @staticmethod
    def of(models: list[treelite.Model], features: int) -> "Trees":
        """ValueError where a tree has more leaves than LEAVES."""
        read = [[_fields(model, n) for n in range(model.num_tree)] for model in models]
        thresholds = _thresholds([tree for trees in read for tree in trees], features)
        bases = [float(m.get_header_accessor().get_field("base_scores")[0]) for m in models]
        trees = [[_tree(tree, thresholds) for tree in each] for each in read]
        return Trees(thresholds, list(zip(bases, trees, strict=True)))

    def __call__(self, rows: Values) -> Floats:
        """ensembles x rows: the sum of the trees."""
        with ThreadPoolExecutor(
            int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
        ) as pool:
            parts = list(pool.map(self._block, _blocks(rows)))
        return np.concatenate([np.zeros((len(self.ensembles), 0)), *parts], axis=1)

    def _block(self, rows: Values) -> Floats:
        places = np.stack(
            [np.searchsorted(t, rows[:, n]) for n, t in enumerate(self.thresholds)]
        ).astype(np.int16)
        struck, above = np.empty(len(rows), np.int16), np.empty(len(rows), np.int16)
        found = np.empty((len(self.ensembles), len(rows)))
        for number, (base, trees) in enumerate(self.ensembles):
            found[number] = base
            for tree in trees:
                struck.fill(0)
                for feature, threshold, leaves in tree.tests:
                    np.subtract(threshold, places[feature], out=above)
                    np.right_shift(
                        above, LEAVES - 1, out=above
                    )  # all bits where it is above, none where not
                    np.bitwise_and(above, leaves, out=above)
                    np.bitwise_or(struck, above, out=struck)
                found[number] += tree.leaves[FIRST[struck.view(np.uint16)]]
        return found


def _blocks(rows: Values) -> Iterator[Values]:
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


_Fields = dict[str, npt.NDArray[np.float64]]


def _fields(model: treelite.Model, number: int) -> _Fields:
    tree = model.get_tree_accessor(number)
    names = ("split_index", "threshold", "cleft", "cright", "leaf_value")
    return {name: tree.get_field(name) for name in names}


def _thresholds(trees: list[_Fields], features: int) -> list[Values]:
    """Of each feature those of all trees, rounded down to what values of single precision are compared with alike."""
    feature = np.concatenate([tree["split_index"] for tree in trees])
    value = _rounded_down(np.concatenate([tree["threshold"] for tree in trees]))
    return [np.unique(value[feature == n]) for n in range(features)]


def _rounded_down(values: Floats) -> Values:
    single = values.astype(np.float32)
    return np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single)


def _tree(fields: _Fields, thresholds: list[Values]) -> _Tree:
    leaves: list[float] = []
    tests: list[tuple[int, np.int16, np.int16]] = []
    feature, value = fields["split_index"], _rounded_down(fields["threshold"])
    left, right = fields["cleft"], fields["cright"]

    def leaves_under(node: int) -> int:
        """Their bits, numbered from left to right."""
        if left[node] < 0:
            leaves.append(float(fields["leaf_value"][node]))
            return 1 << (len(leaves) - 1)
        struck, kept = leaves_under(int(left[node])), leaves_under(int(right[node]))
        place = np.searchsorted(thresholds[feature[node]], value[node])
        tests.append((int(feature[node]), np.int16(place), np.uint16(struck).view(np.int16)))
        return struck | kept

    leaves_under(0)
    if len(leaves) > LEAVES:
        raise ValueError(f"a tree has {len(leaves)} leaves, {LEAVES} at most")
    return _Tree(tests, np.array(leaves + [0.0] * (LEAVES - len(leaves))))
