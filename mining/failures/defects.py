"""The probability that a turn failed its user, and what it makes of wordings.

A turn is judged by its signs (`turn_features`), a wording under a hypothesis by its turns (`hypothesis_features`); what those mean simulated
worlds taught (`mining.priors`). From the judged turns the log itself tells how much coming back says: how often people say it again after right turns and after wrong ones. Where
the two are alike, coming back convicts nobody.

Notation and constants: docs/method.md, 3.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.failures import hypothesis_features, turn_features
from mining.failures.hypothesis_features import KEY
from mining.priors import prior
from mining.rephrases.log import LogArrays
from warehouse.common.reformulation import Reformulation

Floats = npt.NDArray[np.float64]

LEAST = 0.002  # share of people who come back to anything
PRIOR_TURNS = 20.0  # turns that the rates of any log are worth
ANY_RIGHT, ANY_WRONG = 0.05, 0.4


@dataclass(frozen=True)
class Judged:
    """`wordings`: a row a wording and hypothesis: KEY, `users`, `executed` (share of them), `last_ms` and `right` (share
    of right turns, expected); `rates` of the log."""

    wordings: pl.DataFrame
    rates: Reformulation

    def now(self) -> pl.DataFrame:
        """The wordings under the hypothesis that the assistant has of them now."""
        newest = self.wordings.sort("locale", "utterance", "last_ms", "intent")
        return newest.unique(["locale", "utterance"], keep="last", maintain_order=True)

    def served(self) -> pl.DataFrame:
        """The wordings that are rather served right than not, as the assistant takes them now."""
        return self.now().filter((pl.col("right") >= 0.5) & (pl.col("executed") > 0))


def defects(turns: pl.DataFrame, pairs: pl.DataFrame, neighbours: pl.DataFrame) -> pl.DataFrame:
    """A row a turn: `turn_id, locale, day, p_defect, again` (that it is said again), its wording that ran and its
    `intent`. `turns` as the SQL file `context` has them, `pairs` with their `p_rephrase`."""
    log = LogArrays.of(turns)
    found = turn_features.signs(log, pairs, neighbours)
    p = prior("turns").probability(found) if log.turns.height else np.zeros(0)
    again = found.values[:, found.names.index("said again")]
    return log.turns.select(
        "turn_id",
        "user_id",
        "locale",
        "day",
        "executed",
        p_defect=pl.Series(np.round(p, 6), dtype=pl.Float64),
        again=pl.Series(np.round(again.astype(np.float64), 6), dtype=pl.Float64),
        utterance="ran",
        rewritten=pl.col("ran") != pl.col("utterance"),
        intent=pl.col("best_intent").fill_null(""),
    )


def judge(judged: pl.DataFrame, utterances: pl.DataFrame, neighbours: pl.DataFrame) -> Judged:
    """What is to be expected of each wording and hypothesis, by its judged turns and by those that are like it; a user
    counts once for each."""
    own, rows = judged.filter(~pl.col("rewritten")), heard(utterances)
    found = hypothesis_features.signs(rows, own, neighbours)
    right = prior("hypotheses").probability(found) if rows.height else np.zeros(0)
    kept = rows.with_columns(right=pl.Series(np.round(right, 6), dtype=pl.Float64))
    return Judged(kept.select(*KEY, "users", "executed", "last_ms", "right"), rates(own))


def heard(utterances: pl.DataFrame) -> pl.DataFrame:
    """A row a wording and hypothesis, in order, with `executed`: for which share of its users it was."""
    return utterances.with_columns(executed=pl.col("executed_users") / pl.col("users")).sort(KEY)


def heard_last(turns: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, values`: the slot values that the assistant heard last in each wording that it executed."""
    executed = turns.filter(pl.col("executed")).sort("at_ms", "turn_id")
    last = executed.group_by("locale", utterance="ran", maintain_order=True).agg(
        pl.col("slots").last()
    )
    values = pl.col("slots").list.eval(pl.element().struct.field("value")).list.drop_nulls()
    return last.select("locale", "utterance", values=values)


def rates(judged: pl.DataFrame) -> Reformulation:
    """How often people come back after right turns and after wrong ones."""
    p, again = judged["p_defect"].to_numpy(), judged["again"].to_numpy()
    right, wrong = (
        float((weight @ again + PRIOR_TURNS * guess) / (weight.sum() + PRIOR_TURNS))
        for weight, guess in ((1 - p, ANY_RIGHT), (p, ANY_WRONG))
    )
    right = min(max(right, LEAST), 1 - LEAST)
    return Reformulation(right, min(max(wrong, right), 1 - LEAST))
