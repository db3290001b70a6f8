"""k-anonymity: which wordings may be published. Those said by `k` users or more and, where asked for, chosen with
differential privacy, so that whether one user spoke at all can hardly be told from the set of them.

Notation and constants: docs/method.md, 10.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.stats import norm

from mining.engines.engine import Engine, Inputs
from mining.release.redaction import Mask, shown

KEY = ["locale", "utterance"]


@dataclass(frozen=True)
class Release:
    """`k`: distinct users that a wording needs. With `epsilon` the set of wordings is (`epsilon`, `delta`)
    differentially private, at most `most` of each user's wordings counting for it; `seed` makes the noise,
    and must not be known outside."""

    k: int
    epsilon: float | None
    delta: float
    most: int
    seed: int


def release(
    engine: Engine,
    people: Inputs,
    wordings: pl.DataFrame,
    values: pl.DataFrame,
    mask: Mask,
    privacy: Release,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `ReleasedUtterances`, and how many wordings were withheld by reason (`reason, rows`).

    `wordings` are those of the window (`locale, utterance, turns, users`), `values` those of slots
    (`constraints.slot_values`).
    """
    masked = wordings.with_columns(shown=shown(wordings, values, mask))
    counted = _counted(engine, people, masked)
    enough = counted.filter(pl.col("users") >= privacy.k)
    few = wordings.height - enough.height
    withheld = [(f"wordings said by fewer than {privacy.k} users", few)]
    if privacy.epsilon is not None:
        said = masked.select(*KEY, "shown")
        given = engine.query("contributed", {**people, "released": said}, {"most": privacy.most})
        chosen = select(given, privacy.epsilon, privacy)
        kept = enough.join(chosen, on=["locale", "shown"], how="semi")
        withheld.append(("wordings left out by differential privacy", enough.height - kept.height))
        enough = kept
    reasons = pl.DataFrame(withheld, {"reason": pl.String(), "rows": pl.Int64()}, orient="row")
    return enough.sort(KEY), reasons.filter(pl.col("rows") > 0)


def _counted(engine: Engine, people: Inputs, masked: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, shown, turns, users`: of all wordings that are shown alike, users counted once."""
    shape = ["locale", "shown"]
    alike = pl.len().over(shape) > 1
    several = masked.filter(alike)
    whole = engine.query(
        "released_utterances", {**people, "released": several.select(*KEY, "shown")}
    )
    joined = several.select(*KEY, "shown").join(whole, on=shape)
    return pl.concat(
        [
            masked.filter(~alike).select(joined.columns),
            joined.cast(masked.select(joined.columns).schema),
        ]
    )


def select(given: pl.DataFrame, epsilon: float, privacy: Release) -> pl.DataFrame:
    """Of `given` (`locale, shown, given`) the rows whose sum, with noise, is above a threshold: weighted
    Gaussian selection (Gopi et al. 2020, Differentially Private Set Union, section 4)."""
    deviation, least = bounds(epsilon, privacy)
    rows = given.sort("locale", "shown")
    noise = np.random.default_rng([privacy.seed, _digest(rows)]).normal(0.0, deviation, rows.height)
    return rows.filter(pl.col("given") + pl.Series(noise) > least).select("locale", "shown")


def bounds(epsilon: float, privacy: Release) -> tuple[float, float]:
    """Deviation of the noise, and the threshold. Half of `delta` is for the noise, a quarter for a wording
    that one user alone said, a quarter for one of fewer than k users: it would be chosen with that chance,
    so that the exact floor, which holds besides, tells no more."""
    deviation, rest = sigma(epsilon, privacy.delta / 2), privacy.delta / 4
    floor = privacy.k + deviation * float(norm.ppf((1 - rest) ** (1 / privacy.most)))
    return deviation, max(threshold(deviation, rest, privacy.most), floor)


def _digest(rows: pl.DataFrame) -> int:
    """Other sums have other noise: two nights of which one lacks a user do not differ by him alone."""
    content = hashlib.blake2b(rows.write_json().encode(), digest_size=8)
    return int.from_bytes(content.digest(), "big")


def threshold(deviation: float, delta: float, most: int) -> float:
    """Above which no wording of one user alone comes, but with chance `delta`: of all numbers of wordings
    up to `most` that are his alone, the worst."""
    items = np.arange(1, most + 1)
    return float(np.max(1 / np.sqrt(items) + deviation * norm.ppf((1 - delta) ** (1 / items))))


def sigma(epsilon: float, delta: float) -> float:
    """Least deviation of Gaussian noise for sums to which a user gives a vector of length 1 (Balle and Wang
    2018, Improving the Gaussian Mechanism, theorem 8)."""

    def excess(log_deviation: float) -> float:
        s = np.exp(log_deviation)
        at, off = 1 / (2 * s), epsilon * s
        return float(norm.cdf(at - off) - np.exp(epsilon + norm.logcdf(-at - off)) - delta)

    return float(np.exp(brentq(excess, np.log(1e-3), np.log(1e6))))
