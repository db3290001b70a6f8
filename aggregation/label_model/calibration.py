"""Calibration: are the probabilities what they say? Checked on users who were held back, and bent by Platt scaling where they are off.

Nobody says what was meant, but who comes back tells: among hypotheses believed at p, a share
`right p + wrong (1 - p)` of the users who were not asked should come back.

Notation and constants: docs/method.md, 5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import minimize
from scipy.stats import chi2

from warehouse.common.platt import EDGE, PlattScaling
from warehouse.common.reformulation import Reformulation

Floats = npt.NDArray[np.float64]

BUCKETS = ((0, "unseen"), (1, "tail"), (3, "torso"), (10, "head"))  # from so many users
FEWEST = 100.0  # votes of held-back users by which the probabilities of a locale are judged
DOUBT = 0.001  # chance of bending what was right
RIDGE = 20.0  # users that speak for leaving things as they are
NONE = pl.DataFrame(
    schema=dict.fromkeys(("locale", "bucket"), pl.String())
    | dict.fromkeys(("votes", "believed", "bent", "observed", "error"), pl.Float64())
    | {"users": pl.Int64()}
)


@dataclass(frozen=True)
class Held:
    """A row a hypothesis that users who were held back were given: how surely it was `believed`
    without them, their votes that they accepted and reformulated, and how many other users are `known`. `people`
    are the distinct users who were held back, by bucket."""

    believed: Floats
    accepted: Floats
    reformulated: Floats
    known: Floats
    people: dict[str, int]


def platt_scaling(held: Held, rates: Reformulation) -> PlattScaling:
    """The scaling under which who came back is most likely; none where the held-back do not call for one
    (likelihood ratio, two parameters). Platt 1999, through the rates of coming back."""
    if (held.accepted + held.reformulated).sum() < FEWEST:
        return PlattScaling()

    def loss(x: Floats) -> float:
        away = float(x[0]) ** 2 + (float(x[1]) - 1) ** 2
        return _cost(held, rates, PlattScaling(float(x[0]), float(x[1]))) + RIDGE * away / 2

    bounds = [(-3.0, 3.0), (0.2, 3.0)]
    found = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=bounds).x
    bent = PlattScaling(float(found[0]), float(found[1]))
    gain = 2 * (_cost(held, rates, PlattScaling()) - _cost(held, rates, bent))
    return bent if gain > chi2.isf(DOUBT, 2) else PlattScaling()


def report(held: Held, rates: Reformulation, bent: PlattScaling) -> pl.DataFrame:
    """`bucket, votes, believed, bent, observed, error, users`: by how many other users said a wording. `error` is the
    standard error of `observed`: a binomial one of the share that came back, through the rates."""
    frame = pl.DataFrame(
        {
            "bucket": buckets(held.known),
            "accepted": held.accepted,
            "reformulated": held.reformulated,
            "before": held.believed * (held.accepted + held.reformulated),
            "after": bent(held.believed) * (held.accepted + held.reformulated),
        },
        schema_overrides={"bucket": pl.String()},
    )
    votes = pl.col("accepted") + pl.col("reformulated")
    back = pl.col("reformulated").sum() / votes.sum()
    apart = max(rates.if_incorrect - rates.if_correct, EDGE)
    people = pl.DataFrame(
        list(held.people.items()), {"bucket": pl.String(), "users": pl.Int64()}, orient="row"
    )
    return (
        frame.filter(votes > 0)
        .group_by("bucket")
        .agg(
            votes=votes.sum(),
            believed=pl.col("before").sum() / votes.sum(),
            bent=pl.col("after").sum() / votes.sum(),
            observed=((rates.if_incorrect - back) / apart).clip(0.0, 1.0),
            error=((back * (1 - back) / votes.sum()).sqrt() / apart).clip(0.0, 1.0),
        )
        .join(people, on="bucket")
        .sort("bucket")
    )


def buckets(known: Floats) -> list[str]:
    """The bucket of each number of users."""
    edges = [edge for edge, _ in BUCKETS]
    return [BUCKETS[i][1] for i in np.searchsorted(edges, known, side="right") - 1]


def _cost(held: Held, rates: Reformulation, bent: PlattScaling) -> float:
    right = bent(held.believed)
    back = rates.if_correct * right + rates.if_incorrect * (1 - right)
    return float(-(held.reformulated * np.log(back) + held.accepted * np.log1p(-back)).sum())
