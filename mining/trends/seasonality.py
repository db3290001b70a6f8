"""Seasonality and overdispersion: how much days differ beyond chance in what people say, and how much more a thing is said on some weekdays.

Notation and constants: docs/method.md, 8.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Weekdays = npt.NDArray[np.int64]

WEEK = 7
STEADY = 20  # days of people, from which a unit tells how much days differ


def seasonality(said: Floats, spoke: Floats, weekday: Weekdays) -> tuple[float, Floats]:
    """Of `said` (units x days) by the people who `spoke` on each day: the variance of days beyond chance, relative to
    the square of what is expected; and units x weekdays, how much more a unit is said on a weekday than on others."""
    noise, weekly = _variation(said, spoke, weekday)
    return noise, _profile(said, spoke, weekday, weekly)


def _by_weekday(said: Floats, spoke: Floats, weekday: Weekdays) -> tuple[Floats, Floats]:
    """Units and people by weekday."""
    week = np.eye(WEEK)[weekday]
    return said @ week, spoke @ week


def _variation(said: Floats, spoke: Floats, weekday: Weekdays) -> tuple[float, float]:
    """How much days of one weekday differ beyond chance, and weekdays beyond that: variances relative to the
    square of what is expected, of units that are said often."""
    often = said[said.sum(axis=1) >= STEADY]
    if not len(often) or not spoke.sum():
        return 0.0, 0.0
    rate = often.sum(axis=1, keepdims=True) / spoke.sum()
    by_day, people = _by_weekday(often, spoke, weekday)
    several = np.bincount(weekday, minlength=WEEK) > 1
    compared = several[weekday]
    if compared.sum() <= 2 * WEEK - 1:
        expected = rate * spoke
        left = 1 - spoke / spoke.sum()
        return _beyond(often, expected, left), 0.0
    own = (by_day / np.maximum(people, 1e-9))[:, weekday]
    left = 1 - spoke / np.maximum(people[weekday], 1e-9)
    expected = own * spoke
    noise = _beyond(often[:, compared], expected[:, compared], left[compared])
    weekly = rate * people
    by_chance = weekly + noise * ((rate * spoke) ** 2 @ np.eye(WEEK)[weekday])
    left_of_week = 1 - people / people.sum()
    over = ((by_day - weekly) ** 2 - by_chance * left_of_week).sum()
    return noise, max(0.0, float(over / max(1e-9, (weekly**2 * left_of_week).sum())))


def _beyond(said: Floats, expected: Floats, left: Floats) -> float:
    """Variance beyond that of a Poisson count, where a share `left` of it is not taken up by the mean."""
    over = ((said - expected) ** 2 - expected * left).sum()
    return max(0.0, float(over / max(1e-9, (expected**2 * left).sum())))


def _profile(said: Floats, spoke: Floats, weekday: Weekdays, weekly: float) -> Floats:
    """How much more a unit is said on a weekday than on others, drawn towards 1 as strongly as weekdays are
    seen to be alike."""
    if weekly <= 0:
        return np.ones((len(said), WEEK))
    by_day, people = _by_weekday(said, spoke, weekday)
    expected = said.sum(axis=1, keepdims=True) / max(1e-9, spoke.sum()) * people
    return np.asarray((by_day + 1 / weekly) / (expected + 1 / weekly))
