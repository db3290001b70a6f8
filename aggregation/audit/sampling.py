"""Which rows a person judges, so that few answers tell of all.

A row is drawn the more probably the more turns it stands for and the less sure the belief about it is (Neyman 1934's
allocation: by the standard deviation of its answer), systematically along the rows in order of locale and belief (Madow
1949), which spreads the sample over both.

Notation and constants: docs/method.md, 6.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.common.platt import Floats

Indices = npt.NDArray[np.int64]

LEAST_SPREAD = 0.3  # of an answer, however sure the belief is: it may be wrong. With .15, audits of beliefs made too sure missed the truth twice as often


@dataclass(frozen=True)
class Drawn:
    """Places of the rows drawn, which ascend, and how often each is expected to be drawn."""

    places: Indices
    expected: Floats


def systematic(
    beliefs: Floats, sizes: Floats, locales: npt.NDArray[np.str_], rows: int, start: float
) -> Drawn:
    """About so many of the rows with these beliefs, sizes (turns, above 0) and locales; a row that is expected more than
    once is drawn once and surely. `start`, from 0 to 1, is the only chance in it."""
    expected = _expected(sizes * np.maximum(np.sqrt(beliefs * (1 - beliefs)), LEAST_SPREAD), rows)
    order = np.lexsort((np.arange(len(beliefs)), beliefs, locales))
    reached = np.cumsum(expected[order])
    passed = np.floor(reached - start) - np.floor(np.concatenate([[0.0], reached[:-1]]) - start)
    places = np.sort(order[passed > 0])
    return Drawn(places, expected[places])


def _expected(worth: Floats, rows: int) -> Floats:
    """How often each row is expected, in proportion to its worth, at most once; their sum is `rows`, or all there are."""
    expected = np.zeros(len(worth))
    sure = np.zeros(len(worth), np.bool_)
    if rows >= len(worth):
        return np.ones(len(worth))
    while True:
        expected[~sure] = worth[~sure] * (rows - sure.sum()) / worth[~sure].sum()
        over = ~sure & (expected >= 1)
        expected[over] = 1.0
        if not over.any():
            return expected
        sure |= over
