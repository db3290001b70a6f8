"""The probability that a turn failed its user, and what it makes of wordings.

A turn is judged by its signs (`turn_features`), a wording under a hypothesis by its turns (`hypothesis_features`); what those mean simulated
worlds taught (`mining.priors`). From the judged turns the log itself tells how much coming back says: how often people say it again after right turns and after wrong ones. Where
the two are alike, coming back convicts nobody.

Notation and constants: docs/method.md, 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.failures import hypothesis_features, turn_features
from mining.failures.hypothesis_features import KEY, SURE
from mining.priors import prior
from mining.rephrases.features import Features
from mining.rephrases.log import LogArrays
from mining.sessions.block_files import BlockFiles
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


def defects(
    turns: pl.DataFrame, pairs: pl.DataFrame, neighbours: pl.DataFrame, days: Sequence[str]
) -> pl.DataFrame:
    """A row a turn of these days: `turn_id, locale, day, p_defect, again` (that it is said again), its wording that ran and
    its `intent`; told relative to all `turns`, as the SQL file `context` has them, and `pairs` with their `p_rephrase`."""
    log = LogArrays.of(turns)
    inside = pairs.join(log.turns.select(source_turn_id="turn_id"), on="source_turn_id", how="semi")
    found = turn_features.signs(log, inside, neighbours)
    wanted = log.turns["day"].is_in(days)
    asked = Features(found.names, found.values[wanted.to_numpy()])
    mine = log.turns.filter(wanted)
    p = prior("turns").probability(asked) if mine.height else np.zeros(0)
    again = asked.values[:, asked.names.index("said again")]
    return mine.select(
        "turn_id",
        "user_id",
        "locale",
        "day",
        p_defect=pl.Series(np.round(p, 6), dtype=pl.Float64),
        again=pl.Series(np.round(again.astype(np.float64), 6), dtype=pl.Float64),
        utterance="ran",
        rewritten=pl.col("ran") != pl.col("utterance"),
        intent=pl.col("best_intent").fill_null(""),
    )


def judge_block(files: BlockFiles) -> None:
    """Judge the turns of a block; leaves `defects`. Its folder holds the `neighbours` of the night beside it."""
    neighbours = pl.scan_parquet(files.folder.parent / "neighbours.parquet")
    turns = files.context()
    said = turns.lazy().select("locale", utterance="ran").unique()
    near = neighbours.join(said, on=["locale", "utterance"], how="semi").collect()
    found = defects(turns, files.rows("rephrase_events"), near, files.block.days)
    files.leave("defects", found.sort("turn_id"))


def told(judged: pl.DataFrame) -> pl.DataFrame:
    """What judged turns, as `defects` gives them, tell of each wording and hypothesis, as the SQL file `judged_turns` has it."""
    turns = judged.filter(~pl.col("rewritten"))
    users = turns.group_by(*KEY, "user_id", maintain_order=True).agg(
        pl.col("p_defect", "again").mean()
    )
    p = pl.col("p_defect").clip(SURE, 1 - SURE)
    of_users = users.group_by(KEY, maintain_order=True).agg(
        users=pl.len().cast(pl.Float64),
        failed=pl.col("p_defect").sum(),
        odds=((1 - p) / p).log().sum(),
        best=pl.col("p_defect").min(),
        worst=pl.col("p_defect").max(),
        again=pl.col("again").mean(),
    )
    of_turns = turns.group_by(KEY).agg(
        turns=pl.len().cast(pl.Float64),
        turns_failed=pl.col("p_defect").sum(),
        turns_again=pl.col("again").sum(),
        turns_failed_again=(pl.col("p_defect") * pl.col("again")).sum(),
    )
    return of_users.join(of_turns, on=KEY)


def judge(judged: pl.DataFrame, utterances: pl.DataFrame, neighbours: pl.DataFrame) -> Judged:
    """What is to be expected of each wording and hypothesis, by its judged turns (as the SQL file `judged_turns` tells them)
    and by those that are like it; a user counts once for each."""
    rows = heard(utterances)
    found = hypothesis_features.signs(rows, judged, neighbours)
    right = prior("hypotheses").probability(found) if rows.height else np.zeros(0)
    kept = rows.with_columns(right=pl.Series(np.round(right, 6), dtype=pl.Float64))
    return Judged(kept.select(*KEY, "users", "executed", "last_ms", "right"), rates(judged))


def heard(utterances: pl.DataFrame) -> pl.DataFrame:
    """A row a wording and hypothesis, in order, with `executed`: for which share of its users it was."""
    return utterances.with_columns(executed=pl.col("executed_users") / pl.col("users")).sort(KEY)


def rates(judged: pl.DataFrame) -> Reformulation:
    """How often people come back after right turns and after wrong ones."""
    turns, failed, again, both = judged.select(
        pl.col("turns", "turns_failed", "turns_again", "turns_failed_again").sum()
    ).row(0)
    right, wrong = (
        float((came_back + PRIOR_TURNS * guess) / (count + PRIOR_TURNS))
        for count, came_back, guess in (
            (turns - failed, again - both, ANY_RIGHT),
            (failed, both, ANY_WRONG),
        )
    )
    right = min(max(right, LEAST), 1 - LEAST)
    return Reformulation(right, min(max(wrong, right), 1 - LEAST))
