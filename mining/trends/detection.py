"""What rises, falls, appears or is gone: terms and clusters, by the people who said them each day.

The newest 1, 3 and 7 days are compared with the days before them. Of a unit, the share of people who said it on a
day is held to be steady but for its weekdays, as far as these were seen to differ; so a locale's own weekly
rhythm and its growth are no change. Two things make counts vary more than chance: days on which more is said of a thing than on
others, measured on the locale's own history; and people who say a thing day by day, who count as one where they make
up a count. Both lower the effective counts of a comparison that is otherwise exact: given the total, the
recent part is binomial. The three windows are paid for by Bonferroni, all units of a night by Benjamini and
Hochberg (1995): terms that share wordings go up and down together, for which its bound holds.

Notation and constants: docs/method.md, 8.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import betainc, betaincinv

from mining.language.words import unspaced, words
from mining.trends.seasonality import seasonality

Floats = npt.NDArray[np.float64]

WINDOWS = (1, 3, 7)  # newest days that are compared
LEAST_BEFORE = 7  # days that they are compared with, at least
FALSE = 0.05  # share of the changes of a night that may be none
FEWEST = 5  # days of people, of a unit that is asked about
SURE = 0.9  # of the interval
KEY = ["locale", "kind", "unit"]


def dense(wordings: Collection[str]) -> bool:
    """Whether a locale writes without spaces: most of its wordings have none, or a script that needs none."""
    return sum(" " in w.strip() and not unspaced(w) for w in wordings) * 2 < len(wordings)


def terms(wording: str, *, whole: bool) -> set[str]:
    """The `whole` words of a wording; else, as of a locale without spaces, pairs and triples of characters.

    >>> sorted(terms("Lamp ON, please", whole=True))
    ['lamp', 'on', 'please']
    >>> sorted(terms("音を下", whole=False))
    ['を下', '音を', '音を下']
    """
    if whole:
        return set(words(wording))
    found = set()
    for chunk in wording.split():
        said = words(chunk)
        found |= {"".join(said[at : at + n]) for n in (2, 3) for at in range(len(said) - n + 1)}
        found |= {word for word in said if len(word) > 1}
    return found


def units(wordings: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """`locale, kind, unit, utterance`: the terms and the cluster of each wording, of those that enough may
    have said. Of terms that the same wordings hold there is the longest.

    `wordings`: `locale, utterance, turns`; `clusters`: `locale, utterance, cluster_id`.
    """
    parts = wordings.partition_by("locale", maintain_order=True)
    found = pl.concat(
        [
            *map(_terms, parts),
            clusters.select(
                "locale", kind=pl.lit("cluster"), unit="cluster_id", utterance="utterance"
            ),
        ]
    )
    users = wordings.select("locale", "utterance", "turns")
    said_by = found.join(users, on=["locale", "utterance"], maintain_order="left")
    enough = said_by.filter(pl.col("turns").sum().over(KEY) >= FEWEST).drop("turns")
    return enough.join(_distinct(enough), on=KEY, how="semi", maintain_order="left")


def _terms(wordings: pl.DataFrame) -> pl.DataFrame:
    """`locale, kind, unit, utterance` of the terms of a locale's wordings, in order."""
    texts = wordings["utterance"].to_list()
    whole = not dense(texts)
    held = [sorted(terms(text, whole=whole)) for text in texts]
    rows = wordings[np.repeat(np.arange(len(held)), [len(found) for found in held])]
    units = pl.Series([unit for found in held for unit in found], dtype=pl.String())
    return rows.select("locale", kind=pl.lit("term"), unit=units, utterance="utterance")


def _distinct(held: pl.DataFrame) -> pl.DataFrame:
    """The units that are not held by the same wordings as a longer one, or a later one."""
    return (
        held.group_by(KEY)
        .agg(wordings=pl.col("utterance").hash().sort().hash().sum(), count=pl.len())
        .sort("locale", "kind", pl.col("unit").str.len_chars(), "unit")
        .unique(["locale", "kind", "wordings", "count"], keep="last", maintain_order=True)
    )


@dataclass(frozen=True)
class Counts:
    """`daily`: `locale, kind, unit, day, users`, and how many people spoke on each `locale, day` in `people`;
    `clumps`: `locale, kind, unit, now_3, now_7, before_3, before_7`: of the newest days and of those before them,
    how many days a person who said the unit said it on, a mean over these days."""

    daily: pl.DataFrame
    people: pl.DataFrame
    clumps: pl.DataFrame


def changes(counts: Counts, day: str) -> pl.DataFrame:
    """Every unit of which it was asked whether it changed, as of the night `day`: `p_up` and `p_down` for each direction alone,
    `q` of both as the false-discovery rate at which it would be found, `ratio` with its interval, and the numbers that tell."""
    parts = [
        found
        for (locale,), people in counts.people.sort("locale", "day").group_by(
            "locale", maintain_order=True
        )
        for found in [_of_locale(counts, str(locale), people, day)]
        if found is not None
    ]
    if not parts:
        return pl.DataFrame(schema=ASKED)
    rows = pl.concat(parts)
    p = 2 * rows.select(pl.min_horizontal("p_up", "p_down")).to_series().to_numpy()
    return rows.with_columns(q=pl.Series(benjamini_hochberg(np.minimum(1.0, p)), dtype=pl.Float64))


ASKED = pl.Schema(
    {name: pl.String() for name in (*KEY, "change")}
    | {name: pl.Float64() for name in ("now", "before", "ratio", "at_least", "at_most")}
    | {"days": pl.Int64()}
    | {name: pl.Float64() for name in ("p_up", "p_down", "q")}
)


def benjamini_hochberg(p: Floats) -> Floats:
    """Of each p-value the least false-discovery rate at which it is found."""
    order = np.argsort(-p, kind="stable")
    found = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(np.minimum(1.0, found))
    return q


@dataclass(frozen=True)
class _Past:
    """A locale's days: which are compared, and what is expected of each unit."""

    said: Floats  # units x days
    expected: Floats  # units x days: as many people, times what its weekday is to the unit
    noise: float  # variance of days beyond chance, relative to the square of what is expected
    reach: int  # newest days that are compared


def _of_locale(counts: Counts, locale: str, people: pl.DataFrame, day: str) -> pl.DataFrame | None:
    mine = counts.daily.filter(pl.col("locale") == locale)
    first = str(people["day"][0])
    days = pl.date_range(pl.lit(first).str.to_date(), pl.lit(day).str.to_date(), eager=True)
    reach = max((w for w in WINDOWS if len(days) - w >= LEAST_BEFORE), default=0)
    if reach == 0 or mine.is_empty():
        return None
    names = mine.select(KEY).unique().sort(KEY)
    past = _past(mine, names, people, days, reach)
    clumps = names.join(counts.clumps, on=KEY, how="left", maintain_order="left")
    found = [_compared(past, clumps, w) for w in WINDOWS if w <= reach]
    return _best(names, found)


def _past(
    mine: pl.DataFrame, names: pl.DataFrame, people: pl.DataFrame, days: pl.Series, reach: int
) -> _Past:
    at = {str(d): n for n, d in enumerate(days.to_list())}
    said = np.zeros((names.height, len(at)))
    rows = mine.join(names.with_row_index("row"), on=KEY)
    said[rows["row"].to_numpy(), [at[d] for d in rows["day"]]] = rows["users"].to_numpy()
    spoke = np.zeros(len(at))
    spoke[[at[d] for d in people["day"]]] = people["users"].to_numpy()
    weekday = np.array([d.weekday() for d in days.to_list()])
    old = slice(0, len(at) - reach)
    noise, profile = seasonality(said[:, old], spoke[old], weekday[old])
    return _Past(said, spoke * profile[:, weekday], noise, reach)


def _compared(past: _Past, clumps: pl.DataFrame, window: int) -> pl.DataFrame:
    """The newest days of a window against those before all windows."""
    days = past.said.shape[1]
    new, old = slice(days - window, days), slice(0, days - past.reach)
    now, before = past.said[:, new].sum(axis=1), past.said[:, old].sum(axis=1)
    asked, known = past.expected[:, new].sum(axis=1), past.expected[:, old].sum(axis=1)
    share = asked / np.maximum(asked + known, 1e-9)
    whole = now + before
    days_count = window + days - past.reach
    inflated = 1 + np.maximum(0.0, whole - 1) * past.noise / (days_count + past.noise)
    up, down = (
        inflated * (_clump(clumps, f"{of}_{window}") if window > 1 else 1.0)
        for of in ("now", "before")
    )
    p_up = np.where(now > 0, _at_least(now / up, before / up, share), 1.0)
    p_down = np.where(before > 0, _at_least(before / down, now / down, 1 - share), 1.0)
    low, high = _interval(now, before, np.where(p_up < p_down, up, down))
    odds = (1 - share) / np.maximum(share, 1e-9)
    rates = [np.clip(side / np.maximum(1 - side, 1e-9) * odds, 0.0, 1e6) for side in (low, high)]
    ratio = np.minimum((now + 0.5) / (before + 0.5) * odds, 1e6)
    return pl.DataFrame(
        {
            "now": now,
            "before": before,
            "ratio": ratio,
            "at_least": rates[0],
            "at_most": rates[1],
            "days": np.full(len(now), window),
            "p_up": p_up,
            "p_down": p_down,
        }
    )


def _clump(clumps: pl.DataFrame, column: str) -> Floats:
    return np.asarray(np.maximum(1.0, clumps[column].fill_null(1.0).to_numpy()))


def _at_least(here: Floats, there: Floats, share: Floats) -> Floats:
    """The chance of so many here or more, of all, each here with chance `share`."""
    return np.asarray(betainc(np.maximum(here, 1e-9), there + 1, np.clip(share, 1e-12, 1 - 1e-12)))


def _interval(now: Floats, before: Floats, inflated: Floats) -> tuple[Floats, Floats]:
    """Clopper and Pearson's of the recent part."""
    here, there = now / inflated, before / inflated
    edge = (1 - SURE) / 2
    low = np.where(here > 0, betaincinv(np.maximum(here, 1e-9), there + 1, edge), 0.0)
    high = np.where(there > 0, betaincinv(here + 1, np.maximum(there, 1e-9), 1 - edge), 1.0)
    return low, high


def _best(names: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Of each unit the window that tells most, its p-values for having looked at all of them."""
    told = pl.concat(
        pl.concat([names, rows], how="horizontal").with_columns(order=pl.lit(n))
        for n, rows in enumerate(found)
    )
    looks = len(found)
    least = pl.min_horizontal("p_up", "p_down")
    widest = told.filter(order=looks - 1).select(*KEY, gone=pl.col("now") == 0)
    best = told.sort(*KEY, least, "order").unique(KEY, keep="first", maintain_order=True)
    rises = pl.col("p_up") <= pl.col("p_down")
    change = (
        pl.when(rises & (pl.col("before") == 0))
        .then(pl.lit("appeared"))
        .when(rises)
        .then(pl.lit("rising"))
        .when("gone")
        .then(pl.lit("gone"))
        .otherwise(pl.lit("falling"))
    )
    paid = ((pl.col(c) * looks).clip(upper_bound=1.0) for c in ("p_up", "p_down"))
    return (
        best.join(widest, on=KEY, maintain_order="left")
        .with_columns(paid)
        .with_columns(change=change, q=pl.lit(1.0))
        .select(ASKED.names())
        .cast(ASKED)
    )
