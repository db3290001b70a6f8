"""What of a wording is not shown: numbers, addresses, names. Wordings that differ in nothing else are shown
as one.

Addresses and digits are told by their form, in any script; numbers in words by num2words, from two words in
a row ("one" alone is an article in many languages); names by the slots that the assistant filled.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

import polars as pl
from num2words import num2words

from mining.guards import named_values, unspaced, words

NUMBER, ADDRESS, NAME = "<number>", "<address>", "<name>"
ADDRESSES = r"(?i)[^\s@<>]+@[^\s@<>]+|(?:https?://|www\.)\S+|\S+ at \S+ dot \S+"
DIGITS = r"\p{N}+(?:[\s.,:/()+-]*\p{N}+)*"
SPOKEN = (*range(21), *range(30, 100, 10), 100, 1000)
FEWEST = 1  # wordings in which a slot must hold a value for it to be a name


@dataclass(frozen=True)
class Mask:
    """`kinds` of numbers, addresses and names are not shown; names are values of `name_slots` (patterns)."""

    kinds: Collection[str]
    name_slots: Collection[str]


def shown(wordings: pl.DataFrame, values: pl.DataFrame, mask: Mask) -> pl.Series:
    """Each wording of `wordings` (`locale, utterance`) as it may be shown.

    `values` (`locale, name, value, wordings`) are those that slots held (`guards.slot_values`).
    """
    text = pl.col("utterance")
    if "addresses" in mask.kinds:
        text = text.str.replace_all(ADDRESSES, ADDRESS)
    rows = wordings.with_row_index("row").with_columns(utterance=text)
    if "names" in mask.kinds:
        rows = _nameless(rows, values, mask.name_slots)
    if "numbers" in mask.kinds:
        rows = _numberless(rows)
    return rows.sort("row")["utterance"]


def _nameless(rows: pl.DataFrame, values: pl.DataFrame, slots: Collection[str]) -> pl.DataFrame:
    """A value is a name where at least half of the wordings that hold it have it in a slot of names."""
    named = [n for n in values["name"].unique() if n and _matches(n, slots)]
    mine = values.filter(pl.col("name").is_in(named) & (pl.col("value") != ""))
    parts = []
    for (locale,), part in rows.group_by("locale"):
        here = mine.filter(locale=locale)
        if here.height:
            split = [words(w) for w in part["utterance"]]
            held = named_values(split, here, FEWEST)
            texts = [
                _without(text, {v for names in of.values() for v in names})
                for text, of in zip(part["utterance"], held, strict=True)
            ]
            part = part.with_columns(utterance=pl.Series(texts, dtype=pl.String))  # noqa: PLW2901
        parts.append(part)
    return pl.concat(parts) if parts else rows


def _matches(slot: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(slot.lower(), pattern.lower()) for pattern in patterns)


def _without(text: str, names: set[str]) -> str:
    for name in sorted(names, key=lambda n: (-len(n), n)):
        parts = [re.escape(word) for word in name.split()]
        pattern = r"\W*".join(parts) if unspaced(name) else r"\b" + r"\W+".join(parts) + r"\b"
        text = re.sub(pattern, NAME, text, flags=re.IGNORECASE)
    return text


def _numberless(rows: pl.DataFrame) -> pl.DataFrame:
    masked = rows.with_columns(pl.col("utterance").str.replace_all(DIGITS, NUMBER))
    parts = []
    for (locale,), part in masked.group_by("locale"):
        pattern = _spoken(re.split("[-_]", str(locale))[0].lower())
        said = pl.col("utterance").str.replace_all(pattern, NUMBER) if pattern else "utterance"
        parts.append(part.with_columns(utterance=said))
    return pl.concat(parts) if parts else masked


@cache
def _spoken(language: str) -> str | None:
    """A pattern of two number words of the language in a row, or more; None where none are known."""
    try:
        spelled = {num2words(n, lang=language).casefold() for n in SPOKEN}
    except (NotImplementedError, OverflowError):
        return None
    known = {part for number in spelled for part in re.split(r"[\s-]+", number) if part}
    dense, spaced = (
        "|".join(re.escape(w) for w in sorted(known, key=len, reverse=True) if unspaced(w) is want)
        for want in (True, False)
    )
    runs = []
    if spaced:
        runs.append(rf"\b(?:{spaced})(?:[\s-]+(?:{spaced}))+\b")
    if dense:
        runs.append(f"(?:{dense}){{2,}}")
    return "(?i)" + "|".join(runs)
