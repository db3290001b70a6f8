"""How often people say it again tells how often the assistant was right.

People who got what they wanted seldom come back, the others often, whatever the assistant's own
confidence: two rates turn the share of users who fled into a share of hypotheses that were right. A
turn whose hypothesis was not executed gave nobody anything, which shows how often people come back
when they were failed; such a turn says nothing against its hypothesis.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

FOLDS = 4
CALM = 0.05  # quantile of the foreseen rates at which hypotheses are taken to be right
MOST_SURE = 0.98
MOST_ODDS = 8.0  # log odds; no number of users proves more
FEWEST_TOLD = 50
SEED = 0


@dataclass(frozen=True)
class Rates:
    """Shares of users who say it again: after a right turn, and after a wrong one."""

    right: float
    wrong: float

    def was_right(self, fled: Floats) -> Floats:
        """The share of right hypotheses behind a share of users who fled."""
        share = (self.wrong - fled) / (self.wrong - self.right)
        return np.clip(share, 1 - MOST_SURE, MOST_SURE)

    def odds(self, was_right: Floats, stayed: Floats, fled: Floats) -> Floats:
        """The log odds of being right after so many users stayed, and so many fled."""
        odds = np.log(was_right / (1 - was_right))
        odds += fled * np.log(self.right / self.wrong)
        odds += stayed * np.log((1 - self.right) / (1 - self.wrong))
        return np.asarray(np.clip(odds, -MOST_ODDS, MOST_ODDS))


@dataclass(frozen=True)
class Hypotheses:
    """A row a wording and hypothesis: how many users stayed and fled after it was executed, how many
    fled of `ignored` users for whom it was not, and `signs` (rows x 3: what speaks for it)."""

    label: Indices
    stayed: Floats
    fled: Floats
    ignored: Floats
    fled_ignored: Floats
    signs: Floats
    fold: Indices


def judge(rows: Hypotheses, labels: int) -> tuple[Floats, Rates]:
    """The probability of each hypothesis to be right, own users apart, and the rates behind it.

    Monotone boosted trees foresee the share who flee from the signs and from how often people flee
    the label elsewhere; a row is judged by trees that saw neither it nor its fold.
    """
    foreseen = np.zeros(len(rows.label))
    base = _ratio(rows.fled.sum(), (rows.fled + rows.stayed).sum(), 0.2, 1.0)
    for k in range(FOLDS):
        taught = (rows.fold != k) & (rows.fled + rows.stayed > 0)
        foreseen[rows.fold == k] = _foresee(rows, taught, rows.fold == k, labels, base)
    tried = rows.fled + rows.stayed > 0
    right = float(np.quantile(foreseen[tried], CALM)) if tried.any() else 0.1
    failed = _ratio(rows.fled_ignored.sum(), rows.ignored.sum(), 0.5, 5.0)
    wrong = max(failed, float(np.quantile(foreseen[tried], 1 - CALM)) if tried.any() else 0.5)
    rates = Rates(min(max(right, 0.005), 0.45), min(max(wrong, right + 0.1, 0.1), 0.95))
    return rates.was_right(foreseen), rates


def calibrate(was_right: Floats, told: Floats) -> Floats:
    """`was_right` bent, in its own order, to what others told of the same rows (NaN: nothing)."""
    known = np.isfinite(told)
    if known.sum() < FEWEST_TOLD:
        return was_right
    bent = IsotonicRegression(y_min=1 - MOST_SURE, y_max=MOST_SURE, out_of_bounds="clip")
    return np.asarray(bent.fit(was_right[known], told[known]).predict(was_right))


def _foresee(
    rows: Hypotheses,
    taught: npt.NDArray[np.bool_],
    asked: npt.NDArray[np.bool_],
    labels: int,
    base: float,
) -> Floats:
    fled = np.bincount(rows.label[taught], rows.fled[taught], labels)
    users = np.bincount(rows.label[taught], (rows.fled + rows.stayed)[taught], labels)
    by_label = (fled + 5 * base) / (users + 5)
    signs = np.column_stack([rows.signs, by_label[rows.label]])
    if taught.sum() < 100 or not asked.any():
        return np.asarray(by_label[rows.label[asked]])
    outcome = np.concatenate([np.ones(taught.sum()), np.zeros(taught.sum())])
    weight = np.concatenate([rows.fled[taught], rows.stayed[taught]])
    model = HistGradientBoostingClassifier(
        max_iter=60,
        max_leaf_nodes=12,
        min_samples_leaf=min(100, max(20, int(taught.sum() / 20))),
        monotonic_cst=[-1, -1, 1, 1],
        early_stopping=False,
        random_state=SEED,
    ).fit(np.vstack([signs[taught]] * 2), outcome, weight)
    return np.asarray(model.predict_proba(signs[asked])[:, 1])


def _ratio(part: float, whole: float, guess: float, strength: float) -> float:
    return float((part + guess * strength) / (whole + strength))
