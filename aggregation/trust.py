"""What this log can tell: of pairs, failures, labels and rewrites a verdict, with its reasons.

Nothing here knows the truth. A verdict weighs what the beliefs themselves claim, which is calibrated on worlds alone,
against what users who were held back did. Where they speak against each other, or where there is nothing to weigh, the
log cannot tell, and what it cannot tell is not taught.

Notation and constants: docs/method.md, 6.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

WELL, WEAKLY, NOT_AT_ALL = "well", "weakly", "not at all"
ORDER = (NOT_AT_ALL, WEAKLY, WELL)
SUBJECTS = ("pairs", "failures", "labels", "rewrites")

# The bounds were set by hand; benchmarks/verdicts.py shows what comes of them.
FEW_SAID = 30  # pairs at .5 and above, with fewer of which the pairs are told weakly
SURE = 0.75  # mean probability of those, less its error, from which pairs are told well
ONE_SIDED = 1.645  # standard errors that nineteen of twenty means lie above
# Area under the curve that the probabilities themselves claim.
SEPARATES_WELL, SEPARATES = 0.8, 0.65
COMES_BACK = 1.5  # times as often after a wrong turn as after a right one, below which coming back tells nothing
FEW_LABELS = 50
FEW_CHECKS = 30.0  # votes of users held back, with fewer of which nobody checked the labels
# By which held-back users may find fewer labels right than are believed.
LABELS_HOLD, LABELS_FAIL = 0.05, 0.15
FEW_REWRITES = 10


@dataclass(frozen=True)
class Verdict:
    """How well something can be told, and why not better."""

    subject: str
    verdict: str
    because: tuple[str, ...] = field(default=())

    def at_most(self, other: "Verdict", least: str = NOT_AT_ALL) -> "Verdict":
        """No better than what it rests on, if that is not below `least`."""
        bound = max(other.verdict, least, key=ORDER.index)
        if ORDER.index(bound) >= ORDER.index(self.verdict):
            return self
        return Verdict(self.subject, bound, (*self.because, f"rests on {other.subject}"))

    def no_better(self, full: pl.DataFrame, night: str) -> "Verdict":
        """No better than the night of the last `full` verdicts told it (as `table` has them), which learned everything: the nights
        after it take trust away, they do not give it."""
        before = dict(full.select("subject", "verdict").rows()).get(self.subject, self.verdict)
        if ORDER.index(before) >= ORDER.index(self.verdict):
            return self
        why = f"told {before} on {night}, when everything was learned anew"
        return Verdict(self.subject, before, (*self.because, why))


@dataclass(frozen=True)
class BuiltSet:
    """The training set that was built: how many wordings, what it claims, of what was `turned` against the hypothesis
    what it claims and how often the hypothesis was right, expected; and what held-back users found of wordings that few
    said, of which a training set is mostly made, with its standard error."""

    wordings: int
    turned: int
    turned_claimed: float
    turned_hypothesis: float
    checks: float
    believed: float
    observed: float
    error: float


def of_pairs(p: Floats, evidence: Iterable[str]) -> Verdict:
    """By the probabilities of the pairs, and what the log had to tell them by."""
    said = p[p >= 0.5]
    if not len(said):
        return Verdict("pairs", NOT_AT_ALL, ("no pair is more likely said again than not",))
    because = []
    if len(said) < FEW_SAID:
        because.append(f"{len(said)} pairs are more likely said again than not, {FEW_SAID} needed")
    error = float(said.std() / np.sqrt(len(said)))
    if said.mean() - ONE_SIDED * error < SURE:
        because.append(
            f"those are {said.mean():.1%} sure on average, give or take {error:.1%}, surely {SURE:.0%} needed"
        )
    if not {"hypotheses", "answers"} & set(evidence):
        because.append("the log has neither hypotheses nor answers")
    return Verdict("pairs", WEAKLY if because else WELL, tuple(because))


def of_failures(p: Floats, right: float, wrong: float) -> Verdict:
    """By how far the probabilities of failure are apart, and by the rates of coming back."""
    because = []
    if wrong < COMES_BACK * right:
        because.append(
            f"people come back to {wrong:.0%} of wrong turns and to {right:.0%} of right ones: that tells nothing"
        )
    apart = separation(p)
    if apart < SEPARATES_WELL:
        because.append(
            f"failed turns rank above others {apart:.0%} of the time, {SEPARATES_WELL:.0%} needed"
        )
    if apart < SEPARATES:
        return Verdict("failures", NOT_AT_ALL, tuple(because))
    return Verdict("failures", WEAKLY if because else WELL, tuple(because))


def separation(p: Floats) -> float:
    """The area under the ROC curve that probabilities claim of themselves: how often a failed turn, drawn by p, ranks
    above one that was right, drawn by 1 - p; one half where they are all alike."""
    if not len(p) or p.sum() == 0 or (1 - p).sum() == 0:
        return 0.5
    order = np.sort(p)
    right = 1 - order
    below = np.cumsum(right) - right
    first = np.unique(order, return_index=True)[1]
    of_value, weight = np.add.reduceat(right, first), np.add.reduceat(order, first)
    return float((weight * (below[first] + of_value / 2)).sum() / (order.sum() * right.sum()))


def of_labels(found: BuiltSet, pairs: Verdict, failures: Verdict) -> Verdict:
    """By what the labels gain over the hypotheses, if they are as right as they claim and as held-back users find: who
    comes back tells it with an error, and labels that may be right within it are not thrown away. Two doubts, of
    held-back users and of the pairs that labels are made of, are too many: where pairs are not told well, labels hold
    only if they do within the error, if that is small enough to tell anything."""
    if not found.wordings:
        return Verdict("labels", NOT_AT_ALL, ("no wording has a label that enough users believe",))
    because = []
    short = found.believed - found.observed
    surely = np.sign(short) * max(abs(short) - found.error, 0.0)
    told = (
        f"users who were held back find {found.observed:.0%} of labels right that are believed at {found.believed:.0%},"
        f" give or take {found.error:.0%}"
    )
    checked, tells = found.checks >= FEW_CHECKS, found.error <= LABELS_FAIL
    if not checked:
        because.append("too few users were held back to check the labels")
    elif pairs.verdict != WELL and short > LABELS_HOLD - found.error * tells:
        return Verdict("labels", NOT_AT_ALL, (told, f"pairs are told {pairs.verdict}"))
    elif surely > LABELS_FAIL:
        return Verdict("labels", NOT_AT_ALL, (told,))
    elif short > LABELS_HOLD or not tells:
        because.append(told)
    gain = found.turned_claimed - surely * checked - found.turned_hypothesis
    if found.turned and gain < 0:
        because.append(
            f"where labels turn against the hypothesis they would be right {found.turned_claimed:.0%} of the time,"
            f" the hypothesis {found.turned_hypothesis:.0%}"
        )
        return Verdict("labels", NOT_AT_ALL, tuple(because))
    if found.wordings < FEW_LABELS:
        because.append(f"{found.wordings} wordings are believed, {FEW_LABELS} needed")
    own = Verdict("labels", WEAKLY if because else WELL, tuple(because))
    return own.at_most(failures, WEAKLY)


def of_rewrites(live: int, pairs: Verdict, failures: Verdict) -> Verdict:
    """By how many there are, and by what they rest on. Nobody asks for a rewrite: there is none unless pairs, which lead from
    one wording to another, and failures, which say where from, are both told well."""
    doubts = tuple(
        f"{each.subject} are told {each.verdict}"
        for each in (pairs, failures)
        if each.verdict != WELL
    )
    if doubts:
        return Verdict("rewrites", NOT_AT_ALL, doubts)
    if not live:
        return Verdict("rewrites", NOT_AT_ALL, ("no wording surely fares better as another",))
    few = (f"{live} rewrites are proposed, {FEW_REWRITES} needed",) if live < FEW_REWRITES else ()
    return Verdict("rewrites", WEAKLY if few else WELL, few)


def table(verdicts: Iterable[Verdict]) -> pl.DataFrame:
    """A row a subject."""
    return pl.DataFrame(
        [(v.subject, v.verdict, list(v.because)) for v in verdicts],
        {"subject": pl.String(), "verdict": pl.String(), "because": pl.List(pl.String())},
        orient="row",
    )
