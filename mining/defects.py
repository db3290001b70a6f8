"""The probability that a turn failed its user, from what the user did next.

People who got what they wanted seldom say it again, the others often, whatever the assistant's own
confidence: two rates turn the share of users who come back into a share of turns that were right. A
wording said once says little, so trees foresee its share from how sure the assistant was, from how
often people come back after this hypothesis elsewhere, and from what became of the wordings most
like it; the wording's own users come on top. A row is foreseen by trees that saw neither it nor its
fold.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

Floats = npt.NDArray[np.float64]

FOLDS = 4
FEWEST_TAUGHT = 100  # wordings; with fewer, a hypothesis is as good as its own rate elsewhere
NEAR = 0.3  # cosine from which a neighbour tells something
CALM = 0.02  # quantile of the foreseen rates at which turns are taken to be right
MOST_SURE = 0.98
MOST_ODDS = 6.0  # log odds; no number of users proves more
PULL = 5.0  # users at the mean that a hypothesis's rate elsewhere is weighed against
FEWEST_UNEXECUTED = 50
SEED = 0


@dataclass(frozen=True)
class Rates:
    """Shares of users who say it again: after a right turn, and after a wrong one."""

    right: float
    wrong: float

    def was_right(self, fled: Floats) -> Floats:
        """The share of right turns behind a share of users who fled."""
        share = (self.wrong - fled) / (self.wrong - self.right)
        return np.asarray(np.clip(share, 1 - MOST_SURE, MOST_SURE))

    def told(self, users: Floats, fled: Floats) -> Floats:
        """The log odds of being right that so many users tell, of whom so many fled."""
        against = fled * np.log(self.right / self.wrong)
        return np.asarray(against + (users - fled) * np.log((1 - self.right) / (1 - self.wrong)))


@dataclass(frozen=True)
class Judged:
    """`wordings`: `locale, utterance, intent, prior` and `executed` (share of its users), a row as in
    `utterances`; `rates` of the log."""

    wordings: pl.DataFrame
    rates: Rates

    def right(self, prior: Floats, users: Floats, fled: Floats) -> Floats:
        """The probability that a wording is served right, after what its users did."""
        told = np.clip(self.rates.told(users, fled), -MOST_ODDS, MOST_ODDS)
        return np.asarray(1 / (1 + np.exp(-(np.log(prior / (1 - prior)) + told))))

    def now(self) -> pl.DataFrame:
        """The wordings under the hypothesis that the assistant has of them now."""
        key = ["locale", "utterance"]
        newest = self.wordings.sort(*key, "last_ms", "intent")
        return newest.unique(key, keep="last", maintain_order=True)

    def served(self) -> pl.DataFrame:
        """The wordings that are rather served right than not, as the assistant takes them now."""
        now = self.now()
        right = self.right(
            *(now[c].to_numpy().astype(np.float64) for c in ("prior", "users", "came_back"))
        )
        return now.filter((pl.Series(right) >= 0.5) & (pl.col("executed") > 0))


def judge(utterances: pl.DataFrame, neighbours: pl.DataFrame) -> Judged:
    """What is to be expected of each wording and hypothesis, its own users apart."""
    rows = utterances.sort("locale", "utterance", "intent").with_columns(
        came_back=pl.min_horizontal("fled", "executed_users") + pl.col("fled_unexecuted"),
        executed=pl.col("executed_users") / pl.col("users"),
    )
    foreseen = _foresee(rows, neighbours)
    rates = _rates(foreseen, rows["executed"].to_numpy(), rows["users"].to_numpy())
    prior = pl.Series(np.round(rates.was_right(foreseen), 6), dtype=pl.Float64)
    kept = rows.select("locale", "utterance", "intent", "users", "came_back", "executed", "last_ms")
    return Judged(kept.with_columns(prior=prior), rates)


def defects(judged: Judged, turns: pl.DataFrame, followed: pl.DataFrame) -> pl.DataFrame:
    """The rows of `defects` for `turns` (`turn_id, locale, utterance, rewritten, intent`, the wording that
    ran, whether another was said, and its best hypothesis): what others tell of the wording, and what
    this user did next. A rewritten turn is none of those that tell."""
    rows = (
        turns.join(judged.wordings, on=["locale", "utterance", "intent"], how="inner")
        .join(
            followed.select(turn_id="source_turn_id", again="p_rephrase"), on="turn_id", how="left"
        )
        .with_columns(pl.col("again").fill_null(0.0))
    )
    prior, again = rows["prior"].to_numpy(), rows["again"].to_numpy()
    own = 1.0 - rows["rewritten"].to_numpy().astype(np.float64)
    others = np.maximum(rows["users"].to_numpy() - own, 0.0)
    theirs = np.clip(rows["came_back"].to_numpy() - own * again, 0.0, others)
    heard = judged.right(prior, others, theirs)
    odds = np.log(heard / (1 - heard)) + judged.rates.told(np.ones(len(again)), again)
    p = pl.Series(np.round(1 / (1 + np.exp(odds)), 6), dtype=pl.Float64)
    return rows.select("turn_id", "locale", p_defect=p)


def _foresee(rows: pl.DataFrame, neighbours: pl.DataFrame) -> Floats:
    """The share of users of each row that is expected to come back."""
    users, back = rows["users"].to_numpy().astype(np.float64), rows["came_back"].to_numpy()
    base = float((back.sum() + 0.2) / (users.sum() + 1.0)) if rows.height else 0.2
    label = rows.select(pl.struct("locale", "intent").rank("dense")).to_series().to_numpy() - 1
    near, agree = _near(rows, neighbours, base)
    sure = rows["confidence"].fill_null(-1.0).to_numpy()
    fold = np.random.default_rng(SEED).integers(FOLDS, size=rows.height)
    foreseen = np.zeros(rows.height)
    for k in range(FOLDS):
        taught, asked = fold != k, fold == k
        size = int(label.max(initial=0)) + 1
        came = np.bincount(label[taught], back[taught], size)
        seen = np.bincount(label[taught], users[taught], size)
        elsewhere = ((came + PULL * base) / (seen + PULL))[label]
        if taught.sum() < FEWEST_TAUGHT or not asked.any():
            foreseen[asked] = elsewhere[asked]
            continue
        signs = np.column_stack([rows["executed"].to_numpy(), sure, elsewhere, near, agree])
        model = HistGradientBoostingClassifier(
            max_iter=60,
            max_leaf_nodes=12,
            min_samples_leaf=min(50, max(20, int(taught.sum() / 20))),
            monotonic_cst=[-1, -1, 1, 1, -1],
            early_stopping=False,
            random_state=SEED,
        )
        outcome = np.concatenate([np.ones(taught.sum()), np.zeros(taught.sum())])
        weight = np.concatenate([back[taught], users[taught] - back[taught]])
        model.fit(np.vstack([signs[taught]] * 2), outcome, np.maximum(weight, 0.0))
        foreseen[asked] = model.predict_proba(signs[asked])[:, 1]
    return foreseen


def _near(rows: pl.DataFrame, neighbours: pl.DataFrame, base: float) -> tuple[Floats, Floats]:
    """Of each row: the share of users who came back from the wordings most like it that were taken
    for the same, and how many of those that were."""
    key = ["locale", "utterance"]
    near = neighbours.filter(pl.col("similarity") > NEAR).with_columns(
        weight=pl.col("similarity") ** 2
    )
    placed = rows.select(*key, "intent", row=pl.int_range(pl.len()))
    theirs = rows.select(
        "locale", "intent", neighbour="utterance", their_users="users", their_back="came_back"
    )
    alike = (
        placed.join(near, on=key)
        .join(theirs, on=["locale", "neighbour", "intent"])
        .group_by("row")
        .agg(
            users=(pl.col("weight") * pl.col("their_users")).sum(),
            back=(pl.col("weight") * pl.col("their_back")).sum(),
            same=pl.col("weight").sum(),
        )
    )
    every = placed.join(near, on=key).group_by("row").agg(all=pl.col("weight").sum())
    found = (
        placed.join(alike, on="row", how="left").join(every, on="row", how="left").sort("row")
    ).with_columns(pl.col("users", "back", "same", "all").fill_null(0.0))
    share = found.select((pl.col("back") + base) / (pl.col("users") + 1)).to_series()
    agree = found.select(pl.col("same") / pl.max_horizontal("all", 0.1)).to_series()
    return np.round(share.to_numpy(), 9), np.round(agree.to_numpy(), 9)


def _rates(foreseen: Floats, executed: Floats, users: Floats) -> Rates:
    """The rate after right turns is that of the calmest; after wrong ones, that of turns for which
    nothing was executed, or of the least calm where there are too few of those."""
    if not len(foreseen):
        return Rates(0.1, 0.5)
    right = float(np.clip(np.quantile(foreseen, CALM), 0.005, 0.45))
    nothing = executed == 0
    if users[nothing].sum() >= FEWEST_UNEXECUTED:
        wrong = float(np.average(foreseen[nothing], weights=users[nothing]))
    else:
        wrong = float(np.quantile(foreseen, 1 - CALM))
    return Rates(right, float(np.clip(wrong, right + 0.1, 0.95)))
