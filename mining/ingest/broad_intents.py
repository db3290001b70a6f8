"""Intents that are none: names under which a log seems to hold what was not understood. What an intent holds is alike;
what nobody understood is no more alike than wordings of different intents.

Names that say so themselves are in `fallbacks.py`.

Notation and constants: docs/method.md, 1.
"""

from collections.abc import Collection
from typing import cast

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from mining.language.words import words
from warehouse.blur import quoted

LOOKED_AT = 100_000  # turns
NEEDED = ("turn_id", "user_id", "session_id", "at_ms", "locale", "utterance", "intent")
BROAD = 2.2  # times as alike as wordings of different intents, at most; fallbacks of logs .7 to 2.15, most intents above 3
FEWEST = 20  # wordings
SAID_AGAIN = 0.4  # Jaccard index of the words of two turns, one after the other
AGAIN = 5  # turns said again under another name, at least
NAMES = 3  # of those, different ones
MOST_OF_ONE = 0.75  # of those turns under one name


def shown(turns: pl.DataFrame) -> pl.DataFrame:
    """`intent, wordings, breadth` of the names under which `turns` (NEEDED) seem to be logged when nothing was understood: their wordings are hardly more alike than those of
    different intents, and are said again more often than others, and then heard as many things."""
    said = turns.drop_nulls("intent")
    measured = breadths(said.unique(["locale", "utterance", "intent"], maintain_order=True))
    broad = measured.filter((pl.col("wordings") >= FEWEST) & (pl.col("breadth") <= BROAD))
    if broad.is_empty():
        return broad
    again = _again(said)
    return broad.filter(pl.Series([_left_for_many(again, name) for name in broad["intent"]]))


def _again(said: pl.DataFrame) -> pl.DataFrame:
    """`intent, then`: the name of each turn, and that under which its words were said again next; null where not."""
    talk = pl.struct("user_id", "session_id")
    rows = said.sort("user_id", "session_id", "at_ms", "turn_id").with_columns(talk=talk)
    follows = pl.col("talk") == pl.col("talk").shift(-1)
    other = pl.col("intent") != pl.col("intent").shift(-1)
    rows = rows.with_columns(
        now="utterance",
        next=pl.when(follows & other).then(pl.col("utterance").shift(-1)),
        then=pl.col("intent").shift(-1),
    )
    known: dict[str, frozenset[str]] = {}
    same = [
        text is not None and _jaccard(known, now, text) >= SAID_AGAIN
        for now, text in rows.select("now", "next").iter_rows()
    ]
    return rows.select("intent", then=pl.when(pl.Series(same)).then("then"))


def _jaccard(known: dict[str, frozenset[str]], one: str, other: str) -> float:
    for text in (one, other):
        if text not in known:
            known[text] = frozenset(words(text))
    left, right = known[one], known[other]
    return len(left & right) / max(len(left | right), 1)


def _left_for_many(again: pl.DataFrame, name: str) -> bool:
    mine, others = again.filter(intent=name), again.filter(pl.col("intent") != name)
    then = mine["then"].drop_nulls().value_counts()["count"].to_list()
    if sum(then) < AGAIN or len(then) < NAMES or max(then) > MOST_OF_ONE * sum(then):
        return False
    often, usual = (
        cast(float, rows["then"].is_not_null().mean() or 0.0) for rows in (mine, others)
    )
    return often > usual


def breadths(said: pl.DataFrame) -> pl.DataFrame:
    """`intent, wordings, breadth` of distinct wordings (`locale, utterance, intent`): how many times as alike those
    of an intent are to each other as to those of the others (mean cosine of tf-idf), the mean over locales."""
    parts = [_breadths(part) for _, part in said.group_by("locale", maintain_order=True)]
    measured = pl.concat(parts) if parts else pl.DataFrame(schema=BREADTHS)
    mean = (pl.col("breadth") * pl.col("wordings")).sum() / pl.col("wordings").sum()
    return measured.group_by("intent").agg(pl.col("wordings").sum(), breadth=mean).sort("intent")


BREADTHS = pl.Schema({"intent": pl.String(), "wordings": pl.Int64(), "breadth": pl.Float64()})


def _breadths(said: pl.DataFrame) -> pl.DataFrame:
    """Of the intents of one locale that have two wordings or more, where there are others beside them."""
    names = said["intent"].unique().sort()
    place = (
        said["intent"].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
    )
    count = np.bincount(place, minlength=len(names))
    try:
        rows = TfidfVectorizer(analyzer=words, binary=True).fit_transform(said["utterance"])
    except ValueError:  # not a word in all of them
        return pl.DataFrame(schema=BREADTHS)
    of = csr_matrix((np.ones(len(place)), (place, np.arange(len(place)))), (len(names), len(place)))
    sums = (of @ rows).tocsr()
    own = np.asarray(sums.multiply(sums).sum(axis=1)).ravel()
    all_of_it = np.asarray(sums.sum(axis=0)).ravel()
    others = sums @ all_of_it - own
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (own - count) / (count * (count - 1))
        breadth = inside / (others / (count * (len(place) - count)))
    found = pl.DataFrame({"intent": names, "wordings": count, "breadth": breadth})
    return found.filter(pl.col("breadth").is_finite()).cast(BREADTHS)


def without(turns: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Turns as they would have come through the door with `names` for fallbacks."""
    none = pl.col("intent").is_in(names).fill_null(value=False)
    left = pl.col("n_best").list.filter(~pl.element().struct.field("intent").is_in(names))
    n_best = pl.when(left.list.len() > 0).then(left)
    best = n_best.list.first().struct
    sure = pl.when(~none).then("confidence")
    return turns.with_columns(
        intent=pl.when(~none).then("intent"),
        confidence=sure,
        best_intent=pl.coalesce(pl.when(~none).then("intent"), best.field("intent")),
        best_confidence=pl.when(n_best.is_not_null())
        .then(best.field("confidence"))
        .otherwise(sure),
        n_best=n_best,
        interpretation=pl.when(~none).then("interpretation"),
    )


def told(name: str) -> str:
    """What is said of such a name."""
    return (
        f"intent {quoted(name)} is taken for what nobody understood: its wordings are no more alike than those of different"
        " intents; if it is one, give seed data that has it, from the first night on"
    )
