"""What votes of unknown reliability say, by expectation maximization over sparse cells.

An item is a wording, a cell a label that it may have. A vote of a source for a label comes from the
truth with the source's reliability s, and else from a background b (how often the label would be voted
for anyhow: among all votes of the source, or as the words of the item suggest):

    P(vote for l | truth k) = s [k = l] + (1 - s) b(l | k)

so a single vote moves the belief in l from b to s + (1 - s) b. With b the same for all k this is the
one-coin model (Dawid and Skene 1979, with one parameter a source). Where asked, a source with votes
enough has its own confusions, b(l | k), drawn towards those of k's group of labels, and these towards
the whole; what is believed does without (decision 9), the figures compare.

Notation and constants: docs/method.md, 5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import pdist

from warehouse.common.distinct import distinct

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

ROUNDS = 30
STILL = 1e-4  # change of the reliabilities under which the rounds end
GUESS = 0.7  # reliability before any vote was seen
PULL = 10.0  # votes that the guess is worth
LEAST, MOST = 0.02, 0.99
CONFUSED = 50  # votes a label from which a source has confusions of its own
SHRINK = 20.0  # votes that the confusions of a group are worth for a label of it
GROUPS = 12  # labels a group, on average


@dataclass(frozen=True)
class Cells:
    """Which labels an item may have: sorted by item, then label; item i's are start[i]:start[i + 1]."""

    item: Indices
    label: Indices
    start: Indices
    labels: int

    @staticmethod
    def of(item: Indices, label: Indices, items: int, labels: int) -> "Cells":
        """Each item and label once. Every item from 0 to `items` must be there."""
        keys = distinct(item.astype(np.int64) * labels + label)
        items_of = keys // labels
        return Cells(
            items_of, keys % labels, np.searchsorted(items_of, np.arange(items + 1)), labels
        )

    def find(self, item: Indices, label: Indices) -> Indices:
        """The cells of these items and labels, which must be there."""
        return np.searchsorted(self.item * self.labels + self.label, item * self.labels + label)

    def softmax(self, scores: Floats, others: Floats | None = None) -> Floats:
        """`scores` (a cell each) as probabilities, which sum to 1 for each item together with so many
        `others`: labels of the item that have no cell, at score 0."""
        highest = np.maximum(np.maximum.reduceat(scores, self.start[:-1]), 0.0)
        risen = np.exp(scores - highest[self.item])
        whole = np.add.reduceat(risen, self.start[:-1])
        if others is not None:
            whole += others * np.exp(-highest)
        return np.asarray(risen / np.maximum(whole, 1e-300)[self.item])

    def best(self, belief: Floats) -> Indices:
        """Of each item the cell with the highest belief; the first among equals."""
        top = np.flatnonzero(belief == np.maximum.reduceat(belief, self.start[:-1])[self.item])
        return top[np.searchsorted(self.item[top], np.arange(len(self.start) - 1))]

    def matrix(self, values: Floats) -> csr_matrix:
        """items x labels."""
        return csr_matrix((values, self.label, self.start), (len(self.start) - 1, self.labels))


@dataclass(frozen=True)
class CastVotes:
    """A row a cell and source: weight of the votes, and their background where the item has its own."""

    cell: Indices
    source: Indices
    weight: Floats
    background: Floats | None = None


@dataclass(frozen=True)
class Statistics:
    """The sufficient statistics of the votes so far: of each source the weight of those `from_truth`, and of all that
    were `cast`, by label."""

    from_truth: Floats
    cast: Floats  # sources x labels

    @staticmethod
    def guess(expected: Floats, labels: int) -> "Statistics":
        """What is known before any vote: the reliabilities `expected` of the sources."""
        return Statistics(PULL * expected, np.full((len(expected), labels), PULL / labels))

    @property
    def reliability(self) -> Floats:
        """Of each source."""
        return np.asarray(np.clip(self.from_truth / self.cast.sum(axis=1), LEAST, MOST))

    def background(self, cells: Cells, votes: CastVotes) -> Floats:
        """Of each vote: the share of its label among the votes of its source."""
        share = self.cast / self.cast.sum(axis=1, keepdims=True)
        return np.asarray(share[votes.source, cells.label[votes.cell]])


@dataclass(frozen=True)
class Estimate:
    """`belief` of each cell and what its votes `told` (on log scale), by the `reliability` of each
    source; and what is `known` for votes that come later."""

    belief: Floats
    told: Floats
    reliability: Floats
    known: Statistics

    @staticmethod
    def expecting(reliability: Floats, cells: Cells) -> "Estimate":
        """Before any vote, where sources are expected to be so reliable."""
        nothing = np.zeros(len(cells.item))
        return Estimate(nothing, nothing, reliability, Statistics.guess(reliability, cells.labels))

    def at(self, cells: Indices) -> "Estimate":
        """The same for some of the cells."""
        return Estimate(self.belief[cells], self.told[cells], self.reliability, self.known)


def em(
    cells: Cells,
    votes: CastVotes,
    sources: int,
    prior: Floats | None = None,
    *,
    earlier: Estimate | None = None,
    confusions: bool = False,
) -> Estimate:
    """Beliefs and reliabilities that explain each other. `prior` is on log scale, a cell each; where
    there is none, all labels of an item are as probable before it is voted on, also those without a
    cell, so that the beliefs of its cells sum to less than 1.

    Votes that come later can be solved alone, over the cells of their items, given what `earlier` ones
    came to at these cells (incremental EM, Neal and Hinton 1998).
    With `confusions`, sources with more than CONFUSED votes a label have their own.
    """
    others = cells.labels - np.diff(cells.start).astype(np.float64) if prior is None else None
    before = np.zeros(len(cells.item)) if prior is None else prior
    guess = Statistics.guess(np.full(sources, GUESS), cells.labels)
    first, told = (guess, 0.0) if earlier is None else (earlier.known, earlier.told)
    known = Statistics(first.from_truth, first.cast + _cast(cells, votes, sources))
    background = known.background(cells, votes) if votes.background is None else votes.background
    reliability = first.reliability
    for _ in range(ROUNDS):
        now = told + _log_likelihood_ratio(cells, votes, reliability[votes.source], background)
        belief = cells.softmax(before + now, others)  # the E-step
        from_truth = _from_truth(votes, belief, reliability, background)
        known = Statistics(first.from_truth + from_truth, known.cast)
        if np.abs(known.reliability - reliability).max(initial=0.0) < STILL:
            break
        reliability = known.reliability
    if confusions:
        pairs = _Pairs.of(cells, votes)
        for _ in range(ROUNDS // 3):
            now = told + _confused(cells, votes, pairs, belief, reliability)
            belief = cells.softmax(before + now, others)
    return Estimate(belief, now, reliability, known)


def _from_truth(
    votes: CastVotes, belief: Floats, reliability: Floats, background: Floats
) -> Floats:
    """The M-step: of each source, the expected weight of the votes that come from the truth, of which the reliability
    is the share."""
    s = reliability[votes.source]
    true = votes.weight * belief[votes.cell] * s / (s + (1 - s) * background)
    return _sums(votes.source, true, len(reliability))


def _cast(cells: Cells, votes: CastVotes, sources: int) -> Floats:
    place = votes.source * cells.labels + cells.label[votes.cell]
    return _sums(place, votes.weight, sources * cells.labels).reshape(sources, cells.labels)


def _log_likelihood_ratio(
    cells: Cells, votes: CastVotes, reliability: Floats, background: Floats
) -> Floats:
    """What the votes tell of each cell, on log scale; of labels that nobody voted for it is 0."""
    told = votes.weight * np.log1p(reliability / ((1 - reliability) * background))
    return _sums(votes.cell, told, len(cells.item))


@dataclass(frozen=True)
class _Pairs:
    """Every vote beside every cell of its item."""

    cell: Indices
    vote: Indices
    place: Indices  # in sources x labels (truth) x labels (vote), flattened

    @staticmethod
    def of(cells: Cells, votes: CastVotes) -> "_Pairs":
        item = cells.item[votes.cell]
        sizes = np.diff(cells.start)[item]
        vote = np.repeat(np.arange(len(item)), sizes)
        first = np.repeat(cells.start[item] - (np.cumsum(sizes) - sizes), sizes)
        cell = first + np.arange(len(vote))
        truth, voted = cells.label[cell], cells.label[votes.cell[vote]]
        place = (votes.source[vote] * cells.labels + truth) * cells.labels + voted
        return _Pairs(cell, vote, place)


def _confused(
    cells: Cells, votes: CastVotes, pairs: _Pairs, belief: Floats, coin: Floats
) -> Floats:
    """What the votes tell of each cell, on log scale, under the confusions of their sources."""
    sources, labels = len(coin), cells.labels
    shape = (sources, labels, labels)
    weight = votes.weight[pairs.vote]
    counts = np.bincount(pairs.place, weight * belief[pairs.cell], sources * labels**2).reshape(
        shape
    )
    whole = np.zeros((sources, labels))
    np.add.at(whole, (votes.source, cells.label[votes.cell]), votes.weight)
    logs = np.empty(shape)
    for source in range(sources):
        known = (
            counts[source] if whole[source].sum() >= CONFUSED * labels else np.zeros_like(counts[0])
        )
        chance = _smoothed(known, whole[source], coin[source])
        logs[source] = np.log(chance / chance.mean(axis=0))
    return _sums(pairs.cell, weight * logs.ravel()[pairs.place], len(cells.item))


def _sums(place: Indices, values: Floats, size: int) -> Floats:
    return np.bincount(place, values, size).astype(np.float64)


def _smoothed(counts: Floats, cast: Floats, reliability: float) -> Floats:
    """labels x labels: P(vote | truth), each truth's row drawn towards its group's off the diagonal."""
    labels = len(counts)
    whole = (cast + 1.0) / (cast + 1.0).sum()
    off = counts - np.diag(np.diag(counts))
    group = _groups(off)
    pooled = np.zeros((group.max() + 1, labels))
    np.add.at(pooled, group, off)
    shared = (pooled + SHRINK * whole) / (pooled.sum(axis=1, keepdims=True) + SHRINK)
    wrong = (off + SHRINK * shared[group]) / (off.sum(axis=1, keepdims=True) + SHRINK)
    right = (np.diag(counts) + SHRINK * reliability) / (counts.sum(axis=1) + SHRINK)
    return np.asarray(right[:, None] * np.eye(labels) + (1 - right)[:, None] * wrong)


def _groups(off: Floats) -> Indices:
    """Labels that are voted for alike where they are wrong, by average linkage of the cosines."""
    if len(off) <= GROUPS:
        return np.zeros(len(off), np.int64)
    both = off + off.T + np.eye(len(off)) * (off.sum(axis=1) + 1.0)[:, None]
    tree = linkage(pdist(both, "cosine"), "average")
    found: Indices = fcluster(tree, max(2, len(off) // GROUPS), "maxclust").astype(np.int64) - 1
    return found
