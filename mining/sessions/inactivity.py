"""The silence that ends a session, learned from how long people are silent.

Silences inside a session and between sessions are two humps on a logarithmic scale; the session ends
where the second becomes far more likely (Halfaker et al. 2015, "User session identification based
on strong regularities in inter-activity time", take the point where both are equally likely; what is
cut apart is lost, what is left together can still be told apart, so we wait until we are sure).

Notation and constants: docs/method.md, 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.tables import SessionTimeouts

DEFAULT_SECONDS = 300
GRID = [
    60,
    90,
    120,
    180,
    300,
    420,
    600,
    900,
    1200,
    1800,
    2700,
    3600,
]  # seconds; a gap is one of them
FEWEST = 200  # silences from which a locale and channel, or the log, speaks for itself
ROUNDS = 200
SURE = 0.9  # share of the silences of a length that lie between sessions, from which one ends
APART = 3.0  # octaves between the humps; nearer ones are one hump

Floats = npt.NDArray[np.float64]


def learn(silences: pl.DataFrame, setting: int | None) -> pl.DataFrame:
    """The rows of `session_timeouts` for the histogram of the window (rows of `inactivity`, summed or not).

    `setting` (seconds), where given, is the gap of all.
    """
    counted = silences.group_by("locale", "channel", "octave").agg(pl.col("silences").sum())
    whole = _crossing(counted)
    rows = []
    for (locale, channel), part in sorted(
        counted.partition_by(["locale", "channel"], as_dict=True).items()
    ):
        gap_ms, learned = _gap(_crossing(part), whole, setting)
        rows.append(
            {
                "locale": locale,
                "channel": channel,
                "gap_ms": gap_ms,
                "learned": learned,
                "silences": part["silences"].sum(),
                "ended": _longer(part, gap_ms),
                "ended_half": _longer(part, gap_ms // 2),
                "ended_double": _longer(part, gap_ms * 2),
            }
        )
    return SessionTimeouts.create_empty() if not rows else pl.DataFrame(rows)


def _gap(own: int | None, whole: int | None, setting: int | None) -> tuple[int, str]:
    """(milliseconds, where it is from)."""
    if setting is not None:
        return setting * 1000, "set"
    if own is not None:
        return own * 1000, "own"
    if whole is not None:
        return whole * 1000, "whole"
    return DEFAULT_SECONDS * 1000, "default"


def _longer(part: pl.DataFrame, gap_ms: int) -> int:
    """Silences longer than the gap, to a quarter of an octave."""
    return int(part.filter(pl.col("octave") >= 4 * np.log2(gap_ms))["silences"].sum())


def _crossing(part: pl.DataFrame) -> int | None:
    """Seconds of GRID at which the longer hump has taken over; None where two are not seen."""
    summed = part.group_by("octave").agg(pl.col("silences").sum()).sort("octave")
    counts = summed["silences"].to_numpy().astype(np.float64)
    if counts.sum() < FEWEST:
        return None
    humps = _two_humps((summed["octave"].to_numpy() + 0.5) / 4, counts)
    if humps.mean[1] - humps.mean[0] < APART:
        return None
    octaves = np.linspace(humps.mean[0], humps.mean[1], 200)
    density = humps.density(octaves)
    over = np.flatnonzero(density[:, 1] >= SURE / (1 - SURE) * density[:, 0])
    seconds = 2 ** octaves[over[0] if len(over) else -1] / 1000
    return int(GRID[int(np.argmin(np.abs(np.log(GRID) - np.log(seconds))))])


@dataclass(frozen=True)
class _Humps:
    """Two normals on octaves of milliseconds, the shorter silences first."""

    share: Floats
    mean: Floats
    deviation: Floats

    def density(self, octaves: Floats) -> Floats:
        """points x 2, shares included."""
        z = (octaves[:, None] - self.mean) / self.deviation
        return np.asarray(self.share / self.deviation * np.exp(-z * z / 2) + 1e-300)


def _two_humps(octaves: Floats, counts: Floats) -> _Humps:
    """Fit by EM, from the lower and the upper half."""
    middle = np.average(octaves, weights=counts)
    belief = (octaves > middle).astype(np.float64)
    for _ in range(ROUNDS):
        both = np.stack([1 - belief, belief], 1) * counts[:, None] + 1e-9
        share = both.sum(0) / both.sum()
        mean = (both * octaves[:, None]).sum(0) / both.sum(0)
        spread = (both * (octaves[:, None] - mean) ** 2).sum(0) / both.sum(0)
        humps = _Humps(share, mean, np.sqrt(np.maximum(spread, 0.25)))
        density = humps.density(octaves)
        belief = density[:, 1] / density.sum(1)
    return humps
