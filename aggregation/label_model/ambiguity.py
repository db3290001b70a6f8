"""Noise or two meanings? Some wordings are meant in two ways, and no number of users will settle them.

Under one meaning users come back at one of two rates, that of right turns or that of wrong ones. Where
significantly more come back than to what is right, significantly fewer than to what is wrong, and
those who do end at one other label, both meanings stand, each with its share of users.

Notation and constants: docs/method.md, 5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from warehouse.common.reformulation import Reformulation

Floats = npt.NDArray[np.float64]

DOUBT = 1e-3  # chance of seeing two meanings in one
FEWEST_ENDED = 2.0  # users who ended at the second meaning
TOGETHER = 0.6  # of the users who came back and ended somewhere, the share that ended there


@dataclass(frozen=True)
class Disagreement:
    """A row a wording and executed hypothesis: users who accepted and reformulated, users who ended at the most
    frequent other label, and users who ended anywhere."""

    accepted: Floats
    reformulated: Floats
    ended_there: Floats
    ended: Floats


def share_of_first(heard: Disagreement, rates: Reformulation) -> Floats:
    """The share of users who mean the hypothesis; NaN where the disagreement is noise."""
    users = np.round(heard.accepted + heard.reformulated)
    reformulated = np.round(heard.reformulated)
    not_right = binom.sf(reformulated - 1, users, rates.if_correct) < DOUBT
    not_wrong = binom.cdf(reformulated, users, rates.if_incorrect) < DOUBT
    one_end = (heard.ended_there >= FEWEST_ENDED) & (heard.ended_there >= TOGETHER * heard.ended)
    share = rates.p_correct(
        heard.reformulated / np.maximum(heard.accepted + heard.reformulated, 1.0)
    )
    return np.asarray(np.where(not_right & not_wrong & one_end, share, np.nan))
