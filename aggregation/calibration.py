"""Are the probabilities what they say? Checked on users who were held back, bent where they are off.

Nobody says what was meant, but who comes back tells: among hypotheses believed at p, a share
`right p + wrong (1 - p)` of the users who were not asked should come back.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import chi2

from aggregation.fleeing import Rates

Floats = npt.NDArray[np.float64]

BUCKETS = ((0, "unseen"), (1, "tail"), (3, "torso"), (10, "head"))  # from so many users
FEWEST = 100  # held-back users of a locale by whom its probabilities are judged
DOUBT = 0.001  # chance of bending what was right
RIDGE = 20.0  # users that speak for leaving things as they are
EDGE = 1e-6
NONE = pl.DataFrame(
    schema=dict.fromkeys(("locale", "bucket"), pl.String())
    | dict.fromkeys(("users", "believed", "bent", "observed"), pl.Float64())
)


@dataclass(frozen=True)
class Held:
    """A row a hypothesis that users who were held back were given: how surely it was `believed`
    without them, how many of them stayed and fled, and `known` users the belief came from."""

    believed: Floats
    stayed: Floats
    fled: Floats
    known: Floats


@dataclass(frozen=True)
class Bend:
    """Log odds of the belief: shifted, and stretched."""

    shift: float = 0.0
    stretch: float = 1.0

    def __call__(self, believed: Floats) -> Floats:
        odds = logit(np.clip(believed, EDGE, 1 - EDGE))
        return np.asarray(expit(self.shift + self.stretch * odds))


def bend(held: Held, rates: Rates) -> Bend:
    """The bend under which who came back is most likely; none where the held-back do not call for one
    (likelihood ratio, two parameters). Platt 1999, through the rates of coming back."""
    if (held.stayed + held.fled).sum() < FEWEST:
        return Bend()

    def loss(x: Floats) -> float:
        away = float(x[0]) ** 2 + (float(x[1]) - 1) ** 2
        return _cost(held, rates, Bend(float(x[0]), float(x[1]))) + RIDGE * away / 2

    bounds = [(-3.0, 3.0), (0.2, 3.0)]
    found = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=bounds).x
    bent = Bend(float(found[0]), float(found[1]))
    gain = 2 * (_cost(held, rates, Bend()) - _cost(held, rates, bent))
    return bent if gain > chi2.isf(DOUBT, 2) else Bend()


def report(held: Held, rates: Rates, bent: Bend) -> pl.DataFrame:
    """`bucket, users, believed, observed, bent`: by how many users a wording was known."""
    edges = [edge for edge, _ in BUCKETS]
    frame = pl.DataFrame(
        {
            "bucket": [BUCKETS[i][1] for i in np.searchsorted(edges, held.known, side="right") - 1],
            "stayed": held.stayed,
            "fled": held.fled,
            "before": held.believed * (held.stayed + held.fled),
            "after": bent(held.believed) * (held.stayed + held.fled),
        },
        schema_overrides={"bucket": pl.String()},
    )
    users = pl.col("stayed") + pl.col("fled")
    back = pl.col("fled").sum() / users.sum()
    return (
        frame.filter(users > 0)
        .group_by("bucket")
        .agg(
            users=users.sum(),
            believed=pl.col("before").sum() / users.sum(),
            bent=pl.col("after").sum() / users.sum(),
            observed=((rates.wrong - back) / (rates.wrong - rates.right)).clip(0.0, 1.0),
        )
        .sort("bucket")
    )


def _cost(held: Held, rates: Rates, bent: Bend) -> float:
    right = bent(held.believed)
    back = rates.right * right + rates.wrong * (1 - right)
    return float(-(held.fled * np.log(back) + held.stayed * np.log1p(-back)).sum())
