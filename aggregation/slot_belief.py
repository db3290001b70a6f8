"""How probable a slot of an utterance is: by the users who agree on it, and by the label under which they showed it.

Each user shows the true value of a slot with the same probability, or any other (the one-coin model of Dawid and Skene 1979);
that probability is told by the pairs of users who showed the same slot of an utterance. Under a wrong label a slot may be right
all the same ("tomorrow" is the date, whatever is asked for): how often, utterances tell that were accepted under several labels.

Notation and constants: docs/method.md, 6.
"""

import numpy as np
import polars as pl

SLOT = ["locale", "utterance", "name"]
# Set by hand. What is taken to have been seen of any log: pairs of users who agree on a value, and who do not; slots that are the same under
# two labels of an utterance, and that are not.
AGREE, DIFFER = 19.0, 1.0
SAME, OTHER = 1.0, 1.0
OTHERS = 10.0  # values that a user may show in place of the true one, about
ENOUGH = 20.0  # users from which more do not count


def agreed(told: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, name, value, agreed`: the probability of each value, by the `weight` of users who showed it (`told`:
    `locale, utterance, name, value, weight`) and others of the same slot."""
    shown = told.group_by(*SLOT, "value").agg(pl.col("weight").sum())
    right = _right(shown)
    speaks = float(np.log(right * OTHERS / (1 - right)))
    odds = (pl.col("weight").clip(upper_bound=ENOUGH) * speaks).exp()
    return shown.select(*SLOT, "value", odds=odds).select(
        *SLOT, "value", agreed=pl.col("odds") / (pl.col("odds").sum().over(SLOT) + OTHERS)
    )


def _right(shown: pl.DataFrame) -> float:
    """How often a user shows the true value. Two agree with the square of that, nearly: that both show the same other one is rare."""
    weight = pl.col("weight")
    sums = shown.group_by(SLOT).agg(users=weight.sum(), same=(weight**2).sum())
    several = sums.filter(pl.col("users") > 1)
    users, pairs, same = several.select(
        pl.col("users").sum(), pairs=(pl.col("users") ** 2).sum(), same=pl.col("same").sum()
    ).row(0)
    agree, differ = max(same - users, 0.0), pairs - same
    return float(np.sqrt((agree + AGREE) / (agree + differ + AGREE + DIFFER)))


def under_another_label(filled: pl.DataFrame, best: pl.DataFrame) -> float:
    """The probability that a slot is right though its label is not: the share of slots that users accepted under another label than
    the `best` (`locale, utterance, label`) which were accepted under that, too. `filled`: `locale, utterance, label, name, value, users`."""
    key = [*SLOT, "value"]
    mine = filled.join(best.select("locale", "utterance", best="label"), on=SLOT[:2])
    under_best = mine.filter(pl.col("label") == pl.col("best"))
    others = mine.filter(pl.col("label") != pl.col("best"), pl.col("name") != "")
    known = others.join(under_best.select(SLOT[:2]).unique(), on=SLOT[:2], how="semi")
    same = int(known.join(under_best.select(key).unique(), on=key, how="semi")["users"].sum())
    return (same + SAME) / (int(known["users"].sum()) + SAME + OTHER)
