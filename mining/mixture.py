"""Three kinds of pairs told apart without labels, in the manner of Fellegi and Sunter (1969, JASA
64:1183): what is said again, what is unrelated, and what follows up.

How alike unrelated pairs are is not estimated from the pairs but known from a contrast, turns of
different people, as record linkage estimates its u-probabilities by random sampling. Follow-ups are
alike as two people's turns of one intent are. What remains is said again. Circumstances enter as
the mixing shares, a multinomial logistic gate (Jacobs et al. 1991, Neural Computation 3:79), so that
they may depend on each other in any way; content and circumstances are independent within a kind.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from mining.evidence import (
    ALL,
    IDENTICAL,
    NO_INTENT,
    NO_VALUES,
    NONE,
    RELATIONS,
    SAME,
    SOME,
    TEXTS,
    Circumstances,
    Content,
)

Floats = npt.NDArray[np.float64]

AGAIN, UNRELATED, FOLLOW_UP = range(3)
ROUNDS = 40
SETTLED = 2e-4  # mean change of a belief in a round, at which the fit is done
STEPS = 5  # of the gate, a round
RIDGE = 1.0  # pull of the gate towards the weights that it starts from
# What to expect before any pair was seen, as counted pairs: likeness from none to identical,
# hypotheses (same, among the n-best, other), and values (all, some, none shared).
LIKENESS: dict[int, list[float]] = {
    AGAIN: [3, 3, 4, 6, 7, 8, 12, 14, 13, 12, 18],
    UNRELATED: [40, 20, 14, 10, 7, 4, 2.5, 1.2, 0.7, 0.4, 0.2],
    FOLLOW_UP: [10, 10, 12, 15, 15, 13, 12, 8, 3, 1.5, 0.5],
}
INTENTS: dict[int, list[float]] = {
    AGAIN: [50, 25, 25],
    UNRELATED: [8, 12, 80],
    FOLLOW_UP: [75, 10, 15],
}
VALUES: dict[int, list[float]] = {AGAIN: [80, 15, 5], UNRELATED: [5, 5, 90], FOLLOW_UP: [1, 24, 75]}
STRENGTH = 20.0  # pairs that these are worth
CONTRAST = 500.0  # follow-ups that the contrast is worth, beside those seen with other values
SMOOTH = 0.5
MOST_STRANGERS = 0.99  # of a likeness; something is always left to be said again
COMMON = 0.02  # share of unrelated pairs of a likeness from which it counts as theirs
SHARES = [0.4, 0.55, 0.05]
NEVER = -1e6
BORROWED = 300.0  # pairs that the whole is worth to a locale


@dataclass(frozen=True)
class Pairs:
    """What a mixture is fitted to: content and circumstances, a `weight` each, and the contrasts."""

    content: Content
    gate: csr_matrix
    weight: Floats
    strangers: Content
    one_intent: Content


@dataclass(frozen=True)
class Mixture:
    """`counts` (kinds x TEXTS x intents x values) of content, in pairs; `gate` (circumstances x kinds)."""

    counts: Floats
    gate: Floats

    def probability(self, content: Content, gate: csr_matrix) -> Floats:
        """rows x kinds."""
        shares = _softmax(gate @ self.gate)
        each = shares * _likelihood(self.counts)[:, content.cell].T
        return np.asarray(each / each.sum(axis=1, keepdims=True))


def one_hot(circumstances: Circumstances) -> csr_matrix:
    """rows x (1 + levels): the gate's inputs, the first always one."""
    starts = np.cumsum([1, *circumstances.sizes])
    rows, names = circumstances.levels.shape
    columns = np.column_stack([np.zeros(rows, np.int64), circumstances.levels + starts[:-1]])
    ends = np.arange(0, rows * (names + 1) + 1, names + 1)
    return csr_matrix((np.ones(columns.size), columns.ravel(), ends), (rows, int(starts[-1])))


def start(inputs: int, *, follow_ups: bool) -> Mixture:
    """What is expected of any log; without `follow_ups` where nothing would tell them apart."""
    gate = np.zeros((inputs, 3))
    gate[0] = np.log(SHARES)
    if not follow_ups:
        gate[0, FOLLOW_UP] = NEVER
    return Mixture(STRENGTH * np.stack([_expected(kind) for kind in range(3)]), gate)


def _expected(kind: int) -> Floats:
    """TEXTS x RELATIONS x RELATIONS, summing to one; nothing is expected to be missing."""
    intents: Floats = np.append(_share(INTENTS[kind]), 0.0)
    values: Floats = np.append(_share(VALUES[kind]), 0.0)
    return np.asarray(_share(LIKENESS[kind])[:, None, None] * np.outer(intents, values)[None, :, :])


def fit(pairs: Pairs, prior: Mixture, *, worth: float | None = None) -> Mixture:
    """Fit by EM from `prior`, which counts as `worth` pairs of each kind (as it is, where None)."""
    known = prior.counts
    if worth is not None:
        known = known * (worth / known.sum(axis=(1, 2, 3), keepdims=True))
    counts = known.copy()
    counts[UNRELATED] += _counted(pairs.strangers)
    alike = known[FOLLOW_UP] + _counted(pairs.one_intent)
    counts[FOLLOW_UP] = alike
    mixture = Mixture(counts, prior.gate)
    before = np.zeros((len(pairs.weight), 3))
    for _ in range(ROUNDS):
        found = mixture.probability(pairs.content, pairs.gate)
        if np.abs(found - before).mean() < SETTLED:
            break
        before, belief = found, found * pairs.weight[:, None]
        counts = counts.copy()
        again = known[AGAIN] + _counted(pairs.content, belief[:, AGAIN])
        counts[AGAIN] = _without_strangers(again, counts[UNRELATED])
        counts[FOLLOW_UP] = _related_anew(alike, _counted(pairs.content, belief[:, FOLLOW_UP]))
        mixture = Mixture(counts, _gate(pairs.gate, belief, mixture.gate, prior.gate))
    return mixture


def _without_strangers(again: Floats, unrelated: Floats) -> Floats:
    """What is said again, less the share of unrelated pairs that it could hold at most: the largest
    that leaves no likeness short. Without it any share would fit as well (Blanchard et al. 2010,
    "Semi-supervised novelty detection", JMLR 11:2973)."""
    ours, theirs = _share(again.sum(axis=(1, 2))), _share(unrelated.sum(axis=(1, 2)))
    common = theirs >= COMMON
    share = (ours[common] / theirs[common]).min()
    strangers = MOST_STRANGERS * share * theirs / np.maximum(ours, share * theirs)
    return np.asarray(again * (1 - strangers)[:, None, None])


def _related_anew(alike: Floats, found: Floats) -> Floats:
    """As alike as in the contrast and as where the same intent was seen with other values; related as
    found, for a follow-up may be misunderstood; but with other values, or it would be said again."""
    texts = CONTRAST * _share(alike.sum(axis=(1, 2))) + found[:, SAME, SOME : NONE + 1].sum(axis=1)
    expected = STRENGTH * _expected(FOLLOW_UP).sum(axis=0)
    related = found[:IDENTICAL].sum(axis=0) + expected
    related[:, ALL] = expected[:, ALL]
    return np.asarray(texts[:, None, None] * _share(related))


def _counted(content: Content, weight: Floats | None = None) -> Floats:
    shape = (TEXTS, RELATIONS, RELATIONS)
    counted = np.bincount(content.cell, weight, int(np.prod(shape)))
    return counted.astype(np.float64).reshape(shape)


def _likelihood(counts: Floats) -> Floats:
    """kinds x cells: likeness, hypotheses given likeness, values given hypotheses. What is missing
    says nothing; but how alike unrelated pairs without hypotheses are, the contrast knows."""
    known = counts[:, :, :NO_INTENT].sum(axis=3)  # kinds x TEXTS x intents
    texts = known.sum(axis=2)
    texts = texts / texts.sum(axis=1, keepdims=True)
    overall = known.sum(axis=1, keepdims=True) / known.sum(axis=(1, 2), keepdims=True)
    intents = (known + overall) / (known.sum(axis=2, keepdims=True) + 1)
    told = counts[:, :, :NO_INTENT, :NO_VALUES].sum(axis=1) + SMOOTH  # kinds x intents x values
    values = told / told.sum(axis=2, keepdims=True)
    found = np.ones((3, TEXTS, RELATIONS, RELATIONS)) * texts[:, :, None, None]
    unknown = counts[UNRELATED, :, NO_INTENT].sum(axis=1) + STRENGTH * texts[UNRELATED]
    found[UNRELATED, :, NO_INTENT] = _share(unknown)[:, None]
    found[:, :, :NO_INTENT] *= intents[:, :, :, None]
    found[:, :, :NO_INTENT, :NO_VALUES] *= values[:, None, :, :]
    return np.asarray(found.reshape(3, -1))


def _gate(inputs: csr_matrix, belief: Floats, now: Floats, towards: Floats) -> Floats:
    """A few steps of the gate towards the beliefs (rows x kinds, weighed)."""
    total = belief.sum(axis=1, keepdims=True)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(now.shape)
        shares = _softmax(inputs @ weights)
        pulled = weights - towards
        worse = -(belief * np.log(shares + 1e-300)).sum() + RIDGE / 2 * (pulled**2).sum()
        slope = inputs.T @ (total * shares - belief) + RIDGE * pulled
        return float(worse), np.asarray(slope).ravel()

    found = minimize(loss, now.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x).reshape(now.shape)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _share(counts: npt.ArrayLike) -> Floats:
    numbers = np.asarray(counts, np.float64)
    return np.asarray(numbers / numbers.sum())
