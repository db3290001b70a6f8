"""Platt scaling: probabilities bent to what was seen (Platt 1999)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]

EDGE = 1e-6
PRIOR = np.array([1.0, 0.5])  # of `near`; set by hand
FLATTEST = 0.1  # stretch that few answers may ask for


@dataclass(frozen=True)
class PlattScaling:
    """Log odds of the belief: shifted, and stretched."""

    shift: float = 0.0
    stretch: float = 1.0

    def __call__(self, believed: Floats) -> Floats:
        return np.asarray(expit(self.shift + self.stretch * _log_odds(believed)))

    def of_column(self, name: str) -> pl.Expr:
        """A column of beliefs, bent."""
        if self == PlattScaling():
            return pl.col(name)
        return pl.col(name).map_batches(lambda s: pl.Series(self(s.to_numpy())), pl.Float64)

    @staticmethod
    def of(believed: Floats, right: npt.NDArray[np.bool_]) -> "PlattScaling":
        """The likeliest one; of probabilities that are all right or all wrong, Platt's targets keep it from being sure."""
        if len(right) == 0:
            return PlattScaling()
        hits = int(right.sum())
        targets = [(hits + 1) / (hits + 2), 1 / (len(right) - hits + 2)]  # of the right, the wrong
        share = np.where(right, *targets)
        odds = np.tile(_log_odds(believed), 2)[:, None]
        side = np.repeat([True, False], len(right))
        fit = LogisticRegression(C=np.inf).fit(odds, side, np.concatenate([share, 1 - share]))
        return PlattScaling(float(fit.intercept_[0]), float(fit.coef_[0, 0]))

    @staticmethod
    def near(believed: Floats, right: npt.NDArray[np.bool_], slip: float = 0.0) -> "PlattScaling":
        """The most probable one of few answers, where beliefs are held to be about right: shift and stretch are drawn from
        normals around 0 and 1, of deviations PRIOR. An answer is a `slip`, not what is so, with that probability."""
        odds, towards = _log_odds(believed), np.array([0.0, 1.0])

        def loss(bend: Floats) -> tuple[float, Floats]:
            bent = expit(bend[0] + bend[1] * odds)
            said = said_so(bent, right, slip)
            slope = np.where(right, -1.0, 1.0) * (1 - 2 * slip) * bent * (1 - bent) / said
            pull = (bend - towards) / PRIOR**2
            gradient = np.array([slope.sum(), slope @ odds]) + pull
            return float(pull @ (bend - towards) / 2 - np.log(said).sum()), gradient

        found = minimize(loss, towards, jac=True, method="BFGS").x
        return PlattScaling(float(found[0]), max(FLATTEST, float(found[1])))

    def undone(self, bent: Floats) -> Floats:
        """What was believed before it was bent."""
        return np.asarray(expit((_log_odds(bent) - self.shift) / self.stretch))


def said_so(believed: Floats, right: npt.NDArray[np.bool_], slip: float) -> Floats:
    """How probable each answer is."""
    so = np.where(right, believed, 1 - believed)
    return np.maximum(slip + (1 - 2 * slip) * so, EDGE)


def _log_odds(believed: Floats) -> Floats:
    return np.asarray(logit(np.clip(believed, EDGE, 1 - EDGE)))
