"""Wordings that mean the same: average linkage over near neighbours, held back by cannot-link constraints.

Two groups are joined where the mean cosine of all their pairs, raised by the users who said one for
the other and by having stood together the night before, is above a threshold and is the best that either has: reciprocal agglomeration, which
gives what agglomerative clustering gives (Sumengen et al. 2021, arXiv 2105.11653), a round at a time.
The mean cosine is the product of two sums of vectors, so it is exact though only near neighbours are
looked at. Leaning towards the night before keeps clusters steady (evolutionary clustering;
Chakrabarti et al. 2006). Groups that name different things (`constraints.py`), or of which users showed that they mean
different things, are never joined.

Notation and constants: docs/method.md, 4.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from mining.clustering.constraints import Kinds, differ
from mining.clustering.encoder import SCALE, Indices
from warehouse.common.distinct import distinct
from warehouse.encoders.encoder import Vectors

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Shares = tuple[Indices, Indices, Floats]

SHOWN = 3.0  # users who stayed with one meaning, from which a group has shown it
CLEAR = 0.75  # share of those who stayed with the group's main meaning
MOVED = 0.2  # worth in cosine of one user a wording who said one of two for the other
STOOD = 0.1  # worth in cosine of two wordings that stood together the night before
AT_ONCE = 100_000  # pairs compared at once


@dataclass(frozen=True)
class Known:
    """What is known of wordings besides their vectors, a row each."""

    kinds: Kinds  # wordings x kinds: what each names (constraints.py)
    meant: csr_matrix  # wordings x hypotheses: users who stayed with it
    moved: csr_matrix  # wordings x wordings, symmetric: probable moves between the two
    before: csr_matrix  # wordings x clusters of the night before: 1 where it was in it


@dataclass(frozen=True)
class _Groups:
    """The groups of a round: of each the sum of its vectors, its size, and what is known of it."""

    sums: Vectors
    size: Floats
    known: Known

    def similarity(self, left: Indices, right: Indices) -> Floats:
        found = np.empty(len(left))
        for start in range(0, len(left), AT_ONCE):
            a, b = left[start : start + AT_ONCE], right[start : start + AT_ONCE]
            cosine = np.einsum("ij,ij->i", self.sums[a], self.sums[b])
            found[start : start + AT_ONCE] = cosine / (self.size[a] * self.size[b])
            moved = np.asarray(self.known.moved[a, b]).ravel()
            stood = self.known.before[a].multiply(self.known.before[b]).sum(axis=1)
            found[start : start + AT_ONCE] += MOVED * moved / np.minimum(
                self.size[a], self.size[b]
            ) + STOOD * np.asarray(stood).ravel() / (self.size[a] * self.size[b])
        return found

    def forbidden(self, left: Indices, right: Indices) -> Flags:
        asked, place = np.unique(np.concatenate([left, right]), return_inverse=True)
        main = _shown(self.known.meant[asked])[place]
        one, other = main[: len(left)], main[len(left) :]
        shown = (one != other) & (one >= 0) & (other >= 0)
        return np.asarray(shown | differ(self.known.kinds[left], self.known.kinds[right]))

    def joined(self, group: Indices) -> "_Groups":
        """The groups of the next round; `group` tells of each group which it goes to."""
        wanted = int(group.max()) + 1
        fold = csr_matrix(
            (np.ones(len(group), np.float32), (group, np.arange(len(group)))), (wanted, len(group))
        )
        kinds = np.zeros((wanted, self.known.kinds.shape[1]), np.int32)
        np.maximum.at(kinds, group, self.known.kinds)
        meant, moved = fold @ self.known.meant, fold @ self.known.moved @ fold.T
        before = csr_matrix(fold @ self.known.before)
        known = Known(kinds, csr_matrix(meant), csr_matrix(moved), before)
        return _Groups(np.asarray(fold @ self.sums), np.asarray(fold @ self.size), known)

    def some(self, kept: Indices) -> "_Groups":
        """These groups alone."""
        known = Known(
            self.known.kinds[kept],
            self.known.meant[kept],
            self.known.moved[kept][:, kept],
            self.known.before[kept],
        )
        return _Groups(self.sums[kept], self.size[kept], known)

    def fitting(self, pairs: Indices, similarity: float) -> tuple[Indices, Floats]:
        """Of these pairs the ones that may be joined, and how similar each is."""
        found = self.similarity(*pairs.T)
        near = found >= similarity
        pairs, found = pairs[near], found[near]
        free = ~self.forbidden(*pairs.T)
        return pairs[free], found[free]


def _shown(meant: csr_matrix) -> Indices:
    """The hypothesis that each row has clearly shown to mean; -1 where it has not."""
    most = meant.max(axis=1).toarray().ravel()
    clear = (most >= SHOWN) & (most >= CLEAR * np.asarray(meant.sum(axis=1)).ravel())
    row = np.repeat(np.arange(len(most)), np.diff(meant.indptr))
    best = clear[row] & (meant.data == most[row])
    main = np.full(len(most), -1)
    main[row[best]] = meant.indices[best]
    return main


def communities(vectors: Vectors, pairs: Indices, known: Known, similarity: float) -> Indices:
    """A community number for each row of `vectors` (unit length), joined along `pairs` (n x 2)."""
    root = np.arange(len(vectors))  # the first row of each row's community
    first = root  # that of each group
    groups = _Groups(vectors, np.ones(len(vectors)), known)
    pairs, found = groups.fitting(_distinct(pairs), similarity)
    while len(pairs):
        left, place = np.unique(pairs, return_inverse=True)  # the others are finished
        first, groups, pairs = first[left], groups.some(left), place.reshape(pairs.shape)
        group = _reciprocal(pairs, found, len(left))
        changed = (np.bincount(group) > 1)[group]
        touched = changed[pairs].any(axis=1)
        begins = first[np.unique(group, return_index=True)[1]]
        goes_to = np.arange(len(vectors))
        goes_to[first] = begins[group]
        root, first, groups = goes_to[root], begins, groups.joined(group)
        fresh, theirs = groups.fitting(_distinct(group[pairs[touched]]), similarity)
        pairs = np.concatenate([group[pairs[~touched]], fresh])
        found = np.concatenate([found[~touched], theirs])
    return np.asarray(np.unique(root, return_inverse=True)[1], np.int64)


def _distinct(pairs: Indices) -> Indices:
    """Each pair once, the lesser first; none of a row with itself."""
    lesser, greater = pairs.min(axis=1), pairs.max(axis=1)
    width = int(pairs.max(initial=0)) + 1
    keys = distinct(lesser[lesser < greater] * width + greater[lesser < greater])
    return np.stack([keys // width, keys % width], axis=1)


def _reciprocal(pairs: Indices, found: Floats, rows: int) -> Indices:
    """The group of each row once all pairs are joined that are the best of both; ties go to the
    lesser row. There is such a pair: the best of all."""
    here, there, both = pairs.ravel(), pairs[:, ::-1].ravel(), np.repeat(found, 2)
    most = np.full(rows, -np.inf)
    np.maximum.at(most, here, both)
    is_best = both == most[here]
    best = np.full(rows, rows)
    np.minimum.at(best, here[is_best], there[is_best])
    best[best == rows] = -1
    mutual = (best >= 0) & (best[best] == np.arange(rows))
    root = np.where(mutual, np.minimum(np.arange(rows), best), np.arange(rows))
    return np.asarray(np.unique(root, return_inverse=True)[1], np.int64)


def describe(wordings: pl.DataFrame, vectors: Vectors, community: Indices) -> pl.DataFrame:
    """`locale, utterance` of each row with `community, similarity, share, central`.

    The central wording is the one nearest to the mean; `share` is a wording's share of the users of
    its cluster's wordings (`users`).
    """
    size = int(community.max(initial=-1)) + 1
    centres = np.zeros((size, vectors.shape[1]), np.float32)
    np.add.at(centres, community, vectors)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    cosine = np.empty(len(vectors))
    for start in range(0, len(vectors), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        cosine[part] = np.einsum("ij,ij->i", vectors[part], centres[community[part]])
    rows = wordings.with_columns(
        community=pl.Series(community),
        similarity=pl.Series(np.round(cosine, 6), dtype=pl.Float64),
        share=pl.col("users") / pl.col("users").sum().over(pl.Series(community)),
    )
    first = pl.struct(-pl.col("similarity"), "locale", "utterance").rank("ordinal")
    return rows.with_columns(central=first.over("community") == 1)


def memberships(found: Indices, similar: Vectors, community: Indices, similarity: float) -> Shares:
    """Of each row the communities of its neighbours with a probability each: (rows, communities,
    probabilities). What is missing to 1 is the probability that it belongs to none of them.

    The encoder's own softmax over cosines: one neighbour at the threshold is as probable as none.
    """
    rows = np.repeat(np.arange(len(found)), found.shape[1])
    there = found.ravel() >= 0
    rows, of = rows[there], community[found.ravel()[there]]
    weight = np.exp((similar.ravel()[there].astype(np.float64) - similarity) * SCALE)
    width = int(community.max(initial=0)) + 1
    keys, place = np.unique(rows * width + of, return_inverse=True)
    best = np.zeros(len(keys))
    np.maximum.at(best, place, weight)
    rows, of = keys // width, keys % width
    total = 1.0 + np.bincount(rows, best, len(found))
    return rows, of, best / total[rows]
