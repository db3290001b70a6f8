"""Whether retraining pays tonight: what it would mend against what it may break, where there is enough
new that is believed, and not too soon after the last. The answer comes with its reasons.

Notation and constants: docs/method.md, 9.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import chi2_contingency

CHANCE = 0.001  # probability under which labels have not moved by chance
MOVED = 0.1  # population stability index from which a move is more than small (Siddiqi 2006)
EXPECTED_FLIPS = 0.01  # share of turns that a new model breaks, before any gate measured it
FEWEST = 5  # examples of a label that the test of labels needs


@dataclass(frozen=True)
class TriggerConfig:
    min_examples: int = 100  # a smaller training set is an anecdote
    min_new_examples: int = 50  # wordings that the champion's training set does not hold
    min_expected_gain: float = 0.005  # share of all turns that must come out better
    cool_down: int = 3  # nights after a retraining


@dataclass(frozen=True)
class ExpectedGain:
    """What is known before retraining. `mended` and `broken` are turns a day of `turns`, the first at
    least, the second as expected where the training set does not tell the answer; `nights` since the
    last retraining, if there was one."""

    examples: int
    fresh: int
    turns: float
    mended: float
    broken: float
    drift: tuple[str, ...]
    nights: int | None


@dataclass(frozen=True)
class Decision:
    retrain: bool
    because: tuple[str, ...]


def decide(known: ExpectedGain, config: TriggerConfig) -> Decision:
    """Retrain, or not, and why."""
    against = []
    if known.examples < config.min_examples:
        against.append(f"{known.examples} believed wordings, {config.min_examples} needed")
    if known.fresh < config.min_new_examples:
        against.append(
            f"{known.fresh} of them new since the champion, {config.min_new_examples} needed"
        )
    if known.nights is not None and known.nights < config.cool_down:
        against.append(
            f"the last retraining is {known.nights} nights old, {config.cool_down} needed"
        )
    better = known.mended - known.broken
    value = f"{known.mended:.1f} of {known.turns:.0f} turns a day mended at least, {known.broken:.1f} broken"
    if better < config.min_expected_gain * known.turns and not (known.drift and better > 0):
        against.append(f"{value}: less than {config.min_expected_gain:.1%} of them better")
    if against:
        return Decision(False, tuple(against))
    enough = f"{known.examples} believed wordings, {known.fresh} of them new since the champion"
    return Decision(True, (enough, value, *known.drift))


def mended(rows: pl.DataFrame) -> float:
    """Turns that would come out right at least, where the champion's answer is another than what is
    believed. Rows: `turns`, `believed` (the lower bound of the best label's probability),
    `answered` (the probability of the champion's answer), and whether the two are the `same`."""
    others = rows.filter(~pl.col("same"))
    gain = (pl.col("believed") - pl.col("answered")).clip(0.0) * pl.col("turns")
    return float(others.select(gain.sum()).item() or 0.0)


def drift(now: pl.DataFrame, then: pl.DataFrame) -> tuple[str, ...]:
    """What moved since the champion's training set. Rows: `utterance`, `label`, `turns`.

    Labels: a chi-squared test over wordings, and the population stability index over turns.
    Wordings: the share of turns whose wording is new.
    """
    told = []
    counts = [rows["label"].value_counts() for rows in (now, then)]
    both = counts[0].join(counts[1], on="label", how="full", coalesce=True).fill_null(0)
    large = both.filter((pl.col("count") + pl.col("count_right")) >= FEWEST)
    if large.height > 1:
        chance = chi2_contingency(large.select("count", "count_right").to_numpy().T + 0.5).pvalue
        moved = _stability(now, then)
        if chance < CHANCE and moved > MOVED:
            told.append(f"labels moved (stability index {moved:.2f}, p {chance:.1g})")
    whole = float(now["turns"].sum())
    fresh = float(now.join(then, on="utterance", how="anti")["turns"].sum())
    if whole and fresh / whole > 0.5:
        told.append(f"{fresh / whole:.0%} of the turns have wordings that are new")
    return tuple(told)


def _stability(now: pl.DataFrame, then: pl.DataFrame) -> float:
    """Sum over labels of (p - q) log(p / q)."""
    parts = [rows.group_by("label").agg(pl.col("turns").sum()) for rows in (now, then)]
    both = parts[0].join(parts[1], on="label", how="full", coalesce=True).fill_null(0.0)
    counted = (both[c].to_numpy().astype(np.float64) for c in ("turns", "turns_right"))
    p, q = ((c + 0.5) / (c + 0.5).sum() for c in counted)
    return float(((p - q) * np.log(p / q)).sum())
