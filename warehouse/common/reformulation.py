"""How often people say it again after they were served and after they were failed, and what that tells of a hypothesis.

People who got what they wanted seldom come back, the others often. Two rates turn the share of users who reformulated into a
share of hypotheses that were correct, and counts of users into log odds (implicit feedback; docs/method.md, 3).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

Floats = npt.NDArray[np.float64]

EVEN = 12.0  # users of other wordings that a wording's own rates are worth (decision 9)


@dataclass(frozen=True)
class Reformulation:
    """Shares of users who say it again: after a turn that was correct, and after one that was not."""

    if_correct: float
    if_incorrect: float

    def p_correct(self, reformulated: Floats, sure: float = 1.0) -> Floats:
        """The share of correct hypotheses behind a share of users who reformulated, `sure` at most and 1 - `sure` at least;
        one half where the rates tell nothing.

        >>> Reformulation(0.1, 0.6).p_correct(np.array([0.1, 0.35, 0.9])).round(6).tolist()
        [1.0, 0.5, 0.0]
        """
        if self.if_incorrect <= self.if_correct:
            return np.full(len(reformulated), 0.5)
        share = (self.if_incorrect - reformulated) / (self.if_incorrect - self.if_correct)
        return np.asarray(np.clip(share, 1 - sure, sure))

    def log_likelihood_ratio(self, accepted: Floats, reformulated: Floats) -> Floats:
        """What so many users tell for being correct, in log odds.

        Wordings differ in how often people come back to them: each has rates of its own around these
        two (beta-binomial), so that users of one wording are not worth as many of different ones.
        """
        right, wrong = (
            _log_likelihood(rate, accepted, reformulated)
            for rate in (self.if_correct, self.if_incorrect)
        )
        return np.asarray(right - wrong)


def _log_likelihood(rate: float, accepted: Floats, reformulated: Floats) -> Floats:
    """Of who accepted and who reformulated, but for what is the same at every rate."""
    back, not_back = rate * EVEN, (1 - rate) * EVEN
    return np.asarray(betaln(reformulated + back, accepted + not_back) - betaln(back, not_back))
