"""What the answers to a sample tell of all rows: the share that is right, an interval for it, and how to bend beliefs.

The share is that of the beliefs, moved by what the answers show of their error (the difference estimator: Särndal,
Swensson and Wretman 1992, 6.3), each weighed by how rarely its row is drawn (Horvitz and Thompson 1952): without bias
whatever the beliefs are worth. Its interval is Wilson's (1927) of as many answers, drawn without a plan, as would scatter as
much (effective sample size; Korn and Graubard 1998).

Notation and constants: docs/method.md, 6.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, t

from warehouse.common.platt import Floats, PlattScaling, said_so

Bools = npt.NDArray[np.bool_]

LEAST = 1e-9  # variance
SLIP = 0.01  # chance that a person's answer is not what is so; set by hand
OFF = 0.05  # chance of the test to call beliefs off that are right
WITHIN = 0.9  # how often an interval holds the truth


@dataclass(frozen=True)
class Answers:
    """Of rows drawn: what was believed, what a person said, the turns each stands for, and how often it was expected to
    be drawn."""

    beliefs: Floats
    right: Bools
    sizes: Floats
    expected: Floats


@dataclass(frozen=True)
class Estimate:
    """The share of turns whose row is right: as believed, and as the answers have it, with an interval."""

    believed: float
    share: float
    at_least: float
    at_most: float


def estimated(answers: Answers, believed: float, turns: float) -> Estimate:
    """Of rows that stand for so many turns in all, of which that share is believed right."""
    bent = PlattScaling.near(answers.beliefs, answers.right)(answers.beliefs)
    weight = answers.sizes / answers.expected / turns
    off = float((weight * (answers.right - answers.beliefs)).sum())
    spread = (1 - answers.expected) * weight**2 * bent * (1 - bent)
    share = float(np.clip(believed + off, 0.0, 1.0))
    z2 = float(t.ppf((1 + WITHIN) / 2, max(1, len(weight) - 1)) ** 2)
    guess = (share * len(weight) + 0.5) / (len(weight) + 1)
    effective = guess * (1 - guess) / max(float(spread.sum()), LEAST)
    middle = (share + z2 / (2 * effective)) / (1 + z2 / effective)
    half = np.sqrt(z2 * (share * (1 - share) / effective + z2 / (4 * effective**2))) / (
        1 + z2 / effective
    )
    bounds = np.clip([middle - half, middle + half], 0.0, 1.0)
    return Estimate(believed, share, float(bounds[0]), float(bounds[1]))


def bending(beliefs: Floats, right: Bools) -> PlattScaling:
    """How to bend beliefs by answers, where a likelihood-ratio test says that they are off; else not at all."""
    found = PlattScaling.near(beliefs, right, SLIP)
    bent, straight = (said_so(each, right, SLIP) for each in (found(beliefs), beliefs))
    gain = 2 * np.log(bent / straight).sum()
    return found if chi2.sf(gain, df=2) < OFF else PlattScaling()
