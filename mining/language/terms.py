"""Finding the entries of a word list in wordings, in any script: entries may be of several words, and
scripts without spaces are searched letter by letter. The longest entry counts."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from warehouse.common.tokens import JOINERS, UNSPACED

Span = tuple[int, int]

FIRST = rf"({UNSPACED.pattern}|[[\p{{L}}\p{{M}}\p{{N}}{JOINERS}]--{UNSPACED.pattern}]+)"


def fold(text: str) -> str:
    """One way of writing: NFC, without letter case.

    >>> fold("İzmir") == fold("izmir")
    True
    """
    plain = unicodedata.normalize("NFC", text).casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFC", plain)


def folded_column(texts: pl.Series) -> pl.Series:
    """`fold` of a column."""
    return pl.Series(texts.name, [fold(text) for text in texts], pl.String())


def units(text: str) -> list[Span]:
    """Where the words of a text are; where no spaces are written, its letters."""
    found: list[Span] = []
    growing = False
    for at, letter in enumerate(text):
        kind = _kind(letter)
        if kind == "inner" and growing:
            found[-1] = (found[-1][0], at + 1)
        elif kind:
            found.append((at, at + 1))
        growing = kind == "inner"
    return found


@cache
def _kind(letter: str) -> str:
    if UNSPACED.match(letter):
        return "alone"
    return "inner" if letter in JOINERS or unicodedata.category(letter)[0] in "LMN" else ""


def keys(text: str) -> list[str]:
    """The words of a text, folded."""
    return [fold(text[start:end]) for start, end in units(text)]


def near(rows: pl.DataFrame, entries: str, wordings: list[str]) -> pl.DataFrame:
    """The rows whose entry, of a column of folded ones, begins with a word of the wordings."""
    words = pl.Series(sorted({word for w in wordings for word in keys(w)}), dtype=pl.String())
    return rows.filter(pl.col(entries).str.extract(FIRST).is_in(words.implode()))


@dataclass(frozen=True)
class Terms:
    """Entries, by their words, and what each stands for."""

    values: dict[tuple[str, ...], str]
    longest: dict[str, int]  # words of the longest entry that begins with a word

    @staticmethod
    def of(entries: Mapping[str, str]) -> "Terms":
        values = {tuple(keys(entry)): value for entry, value in entries.items()}
        longest: dict[str, int] = {}
        for words in values:
            if words:
                longest[words[0]] = max(longest.get(words[0], 0), len(words))
        return Terms(values, longest)

    def found(self, text: str) -> Iterator[tuple[Span, str]]:
        """Where the text has an entry, from its beginning on, and what the entry stands for."""
        spans, words, at = units(text), keys(text), 0
        while at < len(words):
            most = min(self.longest.get(words[at], 0), len(words) - at)
            sizes = range(most, 0, -1)
            size = next((n for n in sizes if tuple(words[at : at + n]) in self.values), 0)
            if size:
                place = spans[at][0], spans[at + size - 1][1]
                yield place, self.values[tuple(words[at : at + size])]
            at += size or 1

    def replaced(self, text: str) -> str:
        """The text with each entry replaced by what it stands for; the rest stays, folded."""
        parts, done = [], 0
        for (start, end), value in self.found(text):
            parts += [text[done:start], f" {value} "]
            done = end
        return " ".join(fold("".join([*parts, text[done:]])).split())
