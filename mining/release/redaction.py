"""What of a wording is not shown: numbers, addresses, names. Wordings that differ in nothing else are shown
as one.

Addresses and digits are told by their form, in any script; numbers in words by num2words, from two words in
a row ("one" alone is an article in many languages); names by the slots that the assistant filled.

Notation and constants: docs/method.md, 10.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache

import polars as pl
from num2words import num2words

from mining.language.words import unspaced

NUMBER, ADDRESS, NAME = "<number>", "<address>", "<name>"
ADDRESSES = r"(?i)[^\s@<>]+@[^\s@<>]+|(?:https?://|www\.)\S+|\S+ at \S+ dot \S+"
DIGITS = r"\p{N}+(?:[\s.,:/()+-]*\p{N}+)*"
SPOKEN = (*range(21), *range(30, 100, 10), 100, 1000)
APOSTROPHES = "'’ʼ＇"
PUNCTUATION = '.,;:!?¿¡…"“”„«»()[]{}<>|/。、！？؟،؛।' + APOSTROPHES
Word = tuple[str, int, int]  # as it is compared, and its place in the text
Words = tuple[str, ...]
Held = tuple[Words, int, int]  # a value, and its place in the text


@dataclass(frozen=True)
class Mask:
    """`kinds` of numbers, addresses and names are not shown; names are values of `name_slots` (patterns)."""

    kinds: Collection[str]
    name_slots: Collection[str]


def shown(wordings: pl.DataFrame, values: pl.DataFrame, mask: Mask) -> pl.Series:
    """Each wording of `wordings` (`locale, utterance`) as it may be shown.

    `values` (`locale, name, value, wordings`) are those that slots held (`constraints.slot_values`).
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
    mine = values.filter(pl.col("name").is_in(named)).drop_nulls("value")
    parts = [
        part.with_columns(
            utterance=pl.Series(_without(part["utterance"].to_list(), here), dtype=pl.String)
        )
        if (here := _tagged(mine.filter(locale=locale)))
        else part
        for (locale,), part in rows.group_by("locale")
    ]
    return pl.concat(parts) if parts else rows


def _matches(slot: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(slot.lower(), pattern.lower()) for pattern in patterns)


def _tagged(values: pl.DataFrame) -> Counter[Words]:
    """In how many wordings a slot held each value."""
    tagged: Counter[Words] = Counter()
    for value, wordings in values.select("value", "wordings").iter_rows():
        tagged[tuple(word for word, _, _ in _words(value))] += wordings
    del tagged[()]
    return tagged


def _without(texts: list[str], tagged: Counter[Words]) -> list[str]:
    starting: dict[str, list[Words]] = defaultdict(list)
    for value in sorted(tagged, key=len, reverse=True):
        starting[value[0]].append(value)
    held = {
        row: found
        for row, text in enumerate(texts)
        if _may_hold(text, starting) and (found := _held(_words(text), starting))
    }
    counts = Counter(value for found in held.values() for value in {v for v, _, _ in found})
    for row, found in held.items():
        texts[row] = _masked(texts[row], [f for f in found if tagged[f[0]] >= counts[f[0]] / 2])
    return texts


def _may_hold(text: str, starting: Collection[str]) -> bool:
    """Whether some word begins a value, if the text spaces its words: most hold none."""
    return unspaced(text) or any(_bare(chunk) in starting for chunk in text.split())


def _held(said: list[Word], starting: dict[str, list[Words]]) -> list[Held]:
    """The values that a wording holds, with their places, the longest first at each."""
    plain = tuple(word for word, _, _ in said)
    return [
        (value, said[at][1], said[at + len(value) - 1][2])
        for at, word in enumerate(plain)
        for value in starting.get(word, ())
        if plain[at : at + len(value)] == value
    ]


def _masked(text: str, names: list[Held]) -> str:
    """The text without names; of those that overlap, the first and longest goes."""
    shown, at = "", 0
    for _, start, end in names:
        if start >= at:
            shown, at = shown + text[at:start] + NAME, end
    return shown + text[at:]


def _words(text: str) -> list[Word]:
    """Words without case, marks of punctuation and what follows an apostrophe, each with its place in the
    text; of scripts that do not space them, letters with their marks."""
    found = []
    for chunk in re.finditer(r"\S+", text):
        if unspaced(chunk[0]):
            pieces = re.finditer(r"\w[\u0300-\u036f\u0e31-\u0e4e\u3099\u309a]*", chunk[0])
            places = [(chunk.start() + p.start(), chunk.start() + p.end()) for p in pieces]
        else:
            places = [_core(chunk[0], chunk.start())]
        found += [(_plain(text[start:end]), start, end) for start, end in places]
    return [word for word in found if word[0]]


def _core(chunk: str, start: int) -> tuple[int, int]:
    """The place of a chunk without the punctuation around it."""
    bare = chunk.strip(PUNCTUATION)
    first = chunk.find(bare)
    return start + first, start + first + len(bare)


@lru_cache(1 << 16)
def _bare(chunk: str) -> str:
    """A chunk as it is compared."""
    return _plain(chunk.strip(PUNCTUATION))


@lru_cache(1 << 16)
def _plain(word: str) -> str:
    """As names are compared: "Weiß" as "weiss", "ann's" as "ann", "O’Brien" as "obrien", "İbrahim" as "ibrahim"."""
    folded = unicodedata.normalize("NFKC", word).casefold().replace("\u0307", "")
    whole = "".join(c for c in folded if unicodedata.category(c)[0] not in "PS" or c in APOSTROPHES)
    before = re.split(f"[{APOSTROPHES}]", whole)
    return before[0] if len(before[-1]) <= 1 else "".join(before)


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
