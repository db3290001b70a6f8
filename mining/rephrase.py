"""Which later turn says an earlier one again: a calibrated probability for each candidate pair."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mining.evidence import IDENTICAL, Circumstances, Content, Contents, circumstances
from mining.mixture import (
    AGAIN,
    BORROWED,
    FOLLOW_UP,
    UNRELATED,
    Floats,
    Pairs,
    fit,
    one_hot,
    start,
)
from warehouse.tables import Fits, RephraseEvents

MOST_TAUGHT = 200_000  # pairs that the mixture is fitted to; more tell nothing new
HALF_LIFE = 30  # days after which a pair teaches half as much
FEWEST_OF_ONE_INTENT = 30


@dataclass(frozen=True)
class Scored:
    """`events`: the pairs with `p_rephrase`, `p_success` and `kind`; `fits`: what each locale told."""

    events: pl.DataFrame
    fits: pl.DataFrame


def score(pairs: pl.DataFrame, following: pl.DataFrame) -> Scored:
    """The rows of `pairs` (with their `day`), judged; `following` as the SQL of that name counts it.

    A pair further apart counts only as far as the same target has nothing to do with a nearer turn.
    """
    if pairs.is_empty():
        return Scored(
            RephraseEvents.create_empty().with_columns(day=pl.lit("")), Fits.create_empty()
        )
    ordered = pairs.sort("target_turn_id", "apart", "source_turn_id")
    contents = Contents(ordered)
    everything = np.arange(ordered.height)
    content = contents.of(everything, everything)
    around = circumstances(ordered, content, following)
    kinds = _kinds(contents, content, around, _weight(ordered))
    p = np.round(_nearest_first(ordered, kinds), 6)
    same = pl.Series(content.text == IDENTICAL)
    scored = ordered.with_columns(
        p_rephrase=pl.Series(p, dtype=pl.Float64),
        kind=pl.when(same).then(pl.lit("retry")).otherwise(pl.lit("rephrase")),
    )
    events = scored.join(_stayed(scored), on="target_turn_id", how="left").with_columns(
        p_success=pl.when(pl.col("target_outcome") == "failure")
        .then(0.0)
        .otherwise(pl.col("p_stayed").fill_null(1.0))
    )
    return Scored(events, _fits(scored, kinds, ["words", *around.told()]))


def _kinds(contents: Contents, content: Content, around: Circumstances, weight: Floats) -> Floats:
    """rows x kinds: fitted to the whole, then to each locale, which borrows from the whole."""
    pairs, gate = contents.pairs, one_hot(around)
    taught = np.arange(pairs.height)[:: -(-pairs.height // MOST_TAUGHT)]
    sample = contents if len(taught) == pairs.height else Contents(pairs[taught])
    (stranger, strangers), (alike, one_intent) = sample.of_strangers(), sample.of_one_intent()
    at = contents.locales[taught]

    def of(locale: int | None) -> Pairs:
        rows, left, same = (
            np.arange(len(x)) if locale is None else np.flatnonzero(x == locale)
            for x in (at, at[stranger], at[alike])
        )
        mine = taught[rows]
        return Pairs(
            content.take(mine),
            gate[mine],
            weight[mine],
            strangers.take(left),
            one_intent.take(same),
        )

    follow_ups = len(alike) >= FEWEST_OF_ONE_INTENT
    whole = fit(of(None), start(gate.shape[1], follow_ups=follow_ups))
    found = whole.probability(content, gate)
    locales = np.unique(at)
    for locale in locales if len(locales) > 1 else []:
        own = fit(of(locale), whole, worth=BORROWED)
        mine = np.flatnonzero(contents.locales == locale)
        found[mine] = own.probability(content.take(mine), gate[mine])
    return found


def _weight(pairs: pl.DataFrame) -> Floats:
    """What each pair teaches: half as much for every HALF_LIFE days of age."""
    days = pairs["day"].str.to_date().to_physical().to_numpy()
    return np.asarray(0.5 ** ((days.max() - days) / HALF_LIFE))


def _fits(scored: pl.DataFrame, kinds: Floats, evidence: list[str]) -> pl.DataFrame:
    """A row a locale, and one of the whole."""
    rows = scored.select(
        "locale", "p_rephrase", follow_up=pl.Series(kinds[:, FOLLOW_UP], dtype=pl.Float64)
    )
    every = pl.concat([rows, rows.with_columns(locale=pl.lit("all"))])
    return (
        every.group_by("locale")
        .agg(
            pairs=pl.len(),
            said_again=pl.col("p_rephrase").sum().round(3),
            follow_ups=pl.col("follow_up").sum().round(3),
        )
        .with_columns(evidence=pl.lit(evidence, dtype=pl.List(pl.String)))
        .sort("locale")
    )


def _nearest_first(ordered: pl.DataFrame, kinds: Floats) -> Floats:
    """The probability of saying it again, times that no nearer source has to do with the target."""
    free = pl.DataFrame({"t": ordered["target_turn_id"], "q": kinds[:, UNRELATED]}).select(
        pl.col("q").cum_prod().shift(1, fill_value=1.0).over("t")
    )
    return np.asarray(kinds[:, AGAIN] * free.to_series().to_numpy())


def _stayed(scored: pl.DataFrame) -> pl.DataFrame:
    """Of each turn that might be said again, the probability that it was not."""
    return scored.group_by(target_turn_id="source_turn_id").agg(
        p_stayed=1 - pl.col("p_rephrase").max()
    )
