"""How often people say it again tells how often the assistant was right.

People who got what they wanted seldom come back, the others often: two rates turn the share of users
who reformulated into a share of hypotheses that were right. A turn whose hypothesis was not executed gave
nobody anything, which shows how often people come back when they were failed; such a turn says
nothing against its hypothesis. How often they come back to what was right is seen at the hypotheses
for which most speaks.

What speaks for a hypothesis before its own users are heard is weighed by a logistic regression whose
outcome nobody observed: it is fitted through the two rates, by the likelihood of who reformulated (a mixture
of two coins with the covariates in the mixing share; Jordan and Jacobs 1994 call it a gate). Being
linear in log odds, it reaches to hypotheses that were never trusted enough to be executed.

Notation and constants: docs/method.md, 5.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit, logit

from aggregation.label_model.sparse import at, row_best, row_max
from warehouse.common.reformulation import Reformulation

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

FOLDS = 4
CALM = 0.25  # share of hypotheses, those for which most speaks, that are taken to be right
RIGHT, WRONG = 0.05, 0.6  # shares of users who come back, before any was seen
LEAST_RIGHT = 0.02  # some come back to everything
STRENGTH = 5.0  # users that these guesses are worth
MOST_SURE = 0.98
MOST_ODDS = 8.0  # log odds; no number of users proves more
RIDGE = 1.0
SIGNS = 7  # that speak for a hypothesis before its users are heard
CLOSE = 3  # exponent on the similarity of neighbours whose users are counted along
FARTHEST = 30.0
MORE = 2.0  # times as often as elsewhere that a label may be meant
LEAST_MEANT = (
    0.2  # share of what each label would have of all alike, where nobody means it elsewhere
)
BISECTIONS = 30


ANY = Reformulation(RIGHT, WRONG)


@dataclass(frozen=True)
class Heard:
    """A row a wording and hypothesis: `item`, `label`, how many users accepted and reformulated after it was
    executed, how many accepted or came back after it was not, the assistant's log confidence, and by
    how much that is ahead of its next hypothesis."""

    item: Indices
    label: Indices
    accepted: Floats
    reformulated: Floats
    unexecuted_accepted: Floats
    unexecuted_reformulated: Floats
    confidence: Floats
    ahead: Floats
    fold: Indices

    @property
    def executed(self) -> Floats:
        return self.accepted + self.reformulated

    @property
    def users(self) -> Floats:
        return self.executed + self.unexecuted_accepted + self.unexecuted_reformulated

    def matrix(self, values: Floats, shape: tuple[int, int]) -> csr_matrix:
        return csr_matrix((values, (self.item, self.label)), shape)


@dataclass(frozen=True)
class Guess:
    """What is taken for granted before a locale's own users are heard: the two rates, each worth so many
    users; and the gate, intercept first, each weight with how firmly it is meant."""

    rates: Reformulation = ANY
    users: float = STRENGTH
    gate: Floats = field(default_factory=lambda: np.zeros(SIGNS + 1))
    firm: Floats = field(default_factory=lambda: np.array([0.0] + [RIDGE] * SIGNS))


@dataclass(frozen=True)
class Feedback:
    """`was_right`: the probability of each hypothesis to be right, own users apart; the `rates` and the
    `gate` behind it."""

    was_right: Floats
    rates: Reformulation
    gate: Floats


def rates_of(heard: Heard, guess: Guess) -> Reformulation:
    """The rates, before it is known which hypotheses were right: people come back to what is wrong as often
    as they do where nothing was executed. Where that is no more than after what is right, coming back convicts nobody."""
    users = heard.unexecuted_reformulated.sum() + heard.unexecuted_accepted.sum() + guess.users
    unexecuted_reformulated = (
        heard.unexecuted_reformulated.sum() + guess.users * guess.rates.if_incorrect
    ) / users
    return Reformulation(
        guess.rates.if_correct, max(float(unexecuted_reformulated), guess.rates.if_correct)
    )


def judge(heard: Heard, words: csr_matrix, near: csr_matrix, guess: Guess) -> Feedback:
    """What is to be thought of each hypothesis.

    `words` (items x labels) is the reader's, `near` (items x items) the cosine of neighbours.
    A row is judged by weights that saw neither it nor its fold.
    """
    rates = rates_of(heard, guess)
    tried = heard.executed > 0
    close = near.power(CLOSE)
    reformulated = (close @ heard.matrix(heard.reformulated, words.shape)).tocsr()
    accepted = (close @ heard.matrix(heard.accepted, words.shape)).tocsr()
    was_right = np.full(len(heard.item), 0.5)
    gates = np.zeros((FOLDS, SIGNS + 1))
    for _ in range(2):
        signs = np.column_stack(
            [
                heard.confidence,
                heard.ahead,
                *_ahead(words, heard),
                *_pooled(accepted, reformulated, heard, rates),
            ]
        )
        for k in range(FOLDS):
            taught, asked = tried & (heard.fold != k), heard.fold == k
            elsewhere = _elsewhere(heard, taught, rates, words.shape[1])[heard.label]
            rows = np.column_stack([signs, elsewhere])
            seen = rows[taught], heard.accepted[taught], heard.reformulated[taught]
            gates[k] = _gate(seen, rates, guess)
            was_right[asked] = expit(gates[k, 0] + rows[asked] @ gates[k, 1:])
        rates = Reformulation(_calm(heard, was_right, tried, (rates, guess)), rates.if_incorrect)
    was_right = np.clip(was_right, 1 - MOST_SURE, MOST_SURE)
    return Feedback(was_right, rates, gates.mean(axis=0))


def odds(was_right: Floats, told: Floats) -> Floats:
    """Log odds of being right, after what the own users tell."""
    return np.clip(logit(was_right) + told, -MOST_ODDS, MOST_ODDS)


def _calm(
    heard: Heard,
    was_right: Floats,
    tried: npt.NDArray[np.bool_],
    known: tuple[Reformulation, Guess],
) -> float:
    """The share of users who come back to the hypotheses for which most speaks."""
    rates, guess = known
    if not tried.any():
        return guess.rates.if_correct
    calm = tried & (was_right >= np.quantile(was_right[tried], 1 - CALM))
    back = heard.reformulated[calm].sum() + guess.rates.if_correct * guess.users
    share = back / (heard.executed[calm].sum() + guess.users)
    return float(np.clip(share, LEAST_RIGHT, max(rates.if_incorrect, LEAST_RIGHT)))


def _ahead(words: csr_matrix, heard: Heard) -> tuple[Floats, Floats]:
    """By how much the words prefer the hypothesis to any other label, log scale: above and below 0."""
    own = at(words, heard.item, heard.label)
    other = _other(words, heard)
    ahead = np.log(np.maximum(own, 1e-12)) - np.log(np.maximum(other, 1e-12))
    ahead = np.clip(ahead, -FARTHEST, FARTHEST)
    return np.maximum(ahead, 0.0), np.minimum(ahead, 0.0)


def _pooled(
    accepted: csr_matrix, reformulated: csr_matrix, heard: Heard, rates: Reformulation
) -> tuple[Floats, Floats]:
    """What the users of neighbours tell of the hypothesis, and against the best of other labels."""
    gain, loss = (
        rates.log_likelihood_ratio(np.ones(1), np.zeros(1))[0],
        rates.log_likelihood_ratio(np.zeros(1), np.ones(1))[0],
    )
    told = (accepted * gain + reformulated * loss).tocsr()
    own = at(told, heard.item, heard.label)
    return _tempered(own), -_tempered(_other(told, heard))


def _other(values: csr_matrix, heard: Heard) -> Floats:
    """Of each row the highest value among the other labels of its item, 0 where there is none."""
    rest = values.tocoo()
    first, best = row_max(values), row_best(values)
    others = rest.col != best[rest.row]
    second = np.zeros(len(first))
    np.maximum.at(second, rest.row[others], rest.data[others])
    return np.where(best[heard.item] == heard.label, second[heard.item], first[heard.item])


def _elsewhere(
    heard: Heard, taught: npt.NDArray[np.bool_], rates: Reformulation, labels: int
) -> Floats:
    """Of each label the log odds of being right, by how often people reformulate it elsewhere."""
    reformulated = np.bincount(heard.label[taught], heard.reformulated[taught], labels)
    users = np.bincount(heard.label[taught], heard.executed[taught], labels)
    base = (reformulated.sum() + STRENGTH * 0.3) / (users.sum() + STRENGTH)
    share = rates.p_correct((reformulated + STRENGTH * base) / (users + STRENGTH))
    return np.asarray(logit(np.clip(share, 1 - MOST_SURE, MOST_SURE)))


def _gate(seen: tuple[Floats, Floats, Floats], rates: Reformulation, guess: Guess) -> Floats:
    """Intercept and weights (none below 0) under which who reformulated is most likely. `seen` are signs, users who
    accepted, and users who reformulated."""
    signs, accepted, reformulated = seen

    def loss(weights: Floats) -> tuple[float, Floats]:
        right = expit(weights[0] + signs @ weights[1:])
        back = np.clip(rates.if_correct * right + rates.if_incorrect * (1 - right), 1e-9, 1 - 1e-9)
        cost = -(reformulated * np.log(back) + accepted * np.log1p(-back)).sum()
        slope = -(reformulated / back - accepted / (1 - back)) * (
            rates.if_correct - rates.if_incorrect
        )
        slope *= right * (1 - right)
        pull = guess.firm * (weights - guess.gate)
        cost += 0.5 * (pull @ (weights - guess.gate))
        return cost, np.concatenate([[slope.sum()], signs.T @ slope]) + pull

    bounds = [(None, None)] + [(0.0, None)] * signs.shape[1]
    found: Floats = minimize(loss, guess.gate, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def _tempered(told: Floats) -> Floats:
    return np.asarray(np.sign(told) * np.log1p(np.abs(told)))
