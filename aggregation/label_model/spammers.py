"""Users whose coming back contradicts everybody else's are not believed.

An honest user comes back to what is wrong far more often than to what is right; one who lies, the
other way round. What the others believe of the wordings tells which of the two a user is; what a user
is alone with tells nothing. Two components, as for spammers in Raykar and Yu 2012, with known rates.

Notation and constants: docs/method.md, 5.
"""

import polars as pl
from scipy.special import logit

from aggregation.label_model.votes import ACCEPTED, REFORMULATED
from warehouse.common.reformulation import Reformulation

KEY = ["utterance", "label"]
LIARS = 0.03  # share of users who lie, before any was seen
COMPANY = 3  # users of a wording from which it tells about them
MOST_TOLD = 2.0  # log odds that one vote may tell


def p_honest(votes: pl.DataFrame, believed: pl.DataFrame, rates: Reformulation) -> pl.DataFrame:
    """`user_id, honest`: the probability that a user is honest; `believed` is `utterance, label,
    probability`."""
    own = votes.filter(pl.col("source").is_in([ACCEPTED, REFORMULATED]))
    known = own.group_by(KEY).agg(company=pl.col("user_id").n_unique())
    judged = (
        own.join(known.filter(pl.col("company") >= COMPANY), on=KEY)
        .join(believed, on=KEY, how="left")
        .with_columns(pl.col("probability").fill_null(0.0))
    )
    back = pl.when(pl.col("source") == REFORMULATED)
    right = back.then(rates.if_correct).otherwise(1 - rates.if_correct)
    wrong = back.then(rates.if_incorrect).otherwise(1 - rates.if_incorrect)
    p = pl.col("probability")
    told = ((p * right + (1 - p) * wrong) / (p * wrong + (1 - p) * right)).log()
    odds = judged.group_by("user_id").agg(
        odds=(pl.col("weight") * told.clip(-MOST_TOLD, MOST_TOLD)).sum()
    )
    start = float(logit(1 - LIARS))
    share = 1 / (1 + (-(pl.col("odds") + start)).exp())
    return odds.select("user_id", honest=share.round(6))  # sums in any order are equal
