"""Cannot-link constraints: what two wordings must not differ in to mean the same: negation, number, time, opposites, named
values. A vector sees little difference between "on" and "off".

Digits are read in any script; number words come from num2words, names of days and months from CLDR
(Babel), negations and opposites from `words.toml`. A language in none of these still has its digits,
the named values of its slots, and what its users showed (`clusters.py`).

Notation and constants: docs/method.md, 4.
"""

import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from babel import Locale, UnknownLocaleError
from num2words import num2words

from mining.language.words import unspaced, words

Kinds = npt.NDArray[np.int32]

SHARED = 3  # kinds that all languages share: negation, numbers, times
LONGEST_VALUE = 4  # words
FEWEST_TAGGED = 2  # wordings in which a slot holds a value
NUMBERS = (*range(2, 21), *range(30, 100, 10))  # "one" is an article in many languages


@dataclass(frozen=True)
class WordList:
    """Words of a language by what they name; a word stands for itself or for the number that it is."""

    negation: frozenset[str]
    number: dict[str, str]
    time: dict[str, str]
    opposite: list[list[str]]


def kinds(
    locale: str, wordings: list[str], named: pl.DataFrame, numbered: dict[frozenset[str], int]
) -> Kinds:
    """wordings x kinds: what each wording names of each kind, as a number; 0 where it names nothing.

    The kinds are negation, numbers, times, each pair of opposites, and the values of each slot. Two
    wordings differ in a kind where both name something and not the same; a negated wording and
    another always do. `named` has the `name` and `value` of slots, and the number of `wordings` in
    which a slot held it. Across locales that share `numbered`, which is added to, the shared kinds
    have the same numbers.
    """
    lexicon = lexicon_of(locale)
    split = [words(w) for w in wordings]
    values = _named(split, named)
    pairs = list(enumerate(lexicon.opposite, start=SHARED))
    named_slots = sorted({name for held in values for name in held})
    slots = {name: kind for kind, name in enumerate(named_slots, start=SHARED + len(pairs))}
    found = np.zeros((len(wordings), SHARED + len(pairs) + len(slots)), np.int32)

    def number(names: Collection[str]) -> int:
        return numbered.setdefault(frozenset(names), len(numbered) + 1) if names else 0

    negation, numbers, times = map(_Sought.of, (lexicon.negation, lexicon.number, lexicon.time))
    opposites = [(kind, pair, _Sought.of(pair)) for kind, pair in pairs]
    listed = {w for s in (negation, numbers, times, *(s for _, _, s in opposites)) for w in s.words}
    found[:, 0] = 1
    for row, (text, said) in enumerate(zip(wordings, split, strict=True)):
        spoken = _Spoken(text, frozenset(said), unspaced=unspaced(text))
        for name, held in values[row].items():
            found[row, slots[name]] = number(held)
        if not spoken.unspaced and listed.isdisjoint(said) and not re.search(r"\d", text):
            continue
        found[row, 0] = 1 + bool(negation.held(spoken))
        digits = {str(int(d)) for d in re.findall(r"\d+", text)}
        spelled = {lexicon.number[w] for w in numbers.held(spoken)}
        found[row, 1] = number(digits | spelled)
        found[row, 2] = number({lexicon.time[w] for w in times.held(spoken)})
        for kind, pair, sought in opposites:
            sides = sought.held(spoken)
            found[row, kind] = 1 + pair.index(next(iter(sides))) if len(sides) == 1 else 0
    return found


def differ(left: Kinds, right: Kinds) -> npt.NDArray[np.bool_]:
    """Whether what is named on the left is not what is named on the right, row by row."""
    return np.asarray(((left != right) & (left > 0) & (right > 0)).any(axis=1))


@cache
def lexicon_of(locale: str) -> WordList:
    """What is known of a locale's language; empty where nothing is."""
    language = re.split("[-_]", locale)[0].lower()
    listed = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf8"))
    own = listed.get(language, {})
    return WordList(
        negation=frozenset(own.get("negation", [])),
        number=_numbers(language),
        time=_times(language),
        opposite=own.get("opposite", []),
    )


def slot_values(turns: list[Path]) -> pl.DataFrame:
    """`locale, name, value, wordings`: values that the assistant's slots held, in how many wordings. Of a list or an
    object each text that lies in it, under the slot's name and the path to it."""
    if not turns:
        return pl.DataFrame(
            schema={
                "locale": pl.String,
                "name": pl.String,
                "value": pl.String,
                "wordings": pl.Int64,
            }
        )
    held = (
        pl.scan_parquet(turns, hive_partitioning=False)
        .select("locale", "utterance", "slots")
        .filter(pl.col("slots").list.len() > 0)
        .explode("slots")
        .unnest("slots")
        .unique()
        .group_by("locale", "name", "value")
        .agg(wordings=pl.len().cast(pl.Int64))
        .collect()
    )
    packed = pl.col("value").str.contains(r"^\s*[\[{]").fill_null(value=False)
    inner = [
        (locale, *leaf, wordings)
        for locale, name, value, wordings in held.filter(packed).iter_rows()
        for leaf in _leaves(name, _unpacked(value))
    ]
    unpacked = pl.DataFrame(inner, held.schema, orient="row")
    every = pl.concat([held.filter(~packed), unpacked]).group_by("locale", "name", "value")
    return every.agg(pl.col("wordings").sum())


def _unpacked(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif isinstance(value, str):
        yield name, value


def _named(split: list[list[str]], named: pl.DataFrame) -> list[dict[str, set[str]]]:
    """Of each wording the slot values that it names, by slot: those that are slot values in at least
    half of the wordings that hold them, so that a slot filled by mistake names nothing."""
    tagged: Counter[str] = Counter()
    slot: dict[str, tuple[int, str]] = {}
    for name, value, wordings in named.select("name", "value", "wordings").iter_rows():
        said = " ".join(words(value))
        tagged[said] += wordings
        slot[said] = max(slot.get(said, (0, "")), (wordings, name))
    lengths: dict[str, set[int]] = defaultdict(
        set
    )  # in words, of the values that begin with a word
    for value in map(str.split, tagged):
        if 0 < len(value) <= LONGEST_VALUE:
            lengths[value[0]].add(len(value))
    held = [_runs(said, lengths) & tagged.keys() for said in split]
    counts = Counter(value for values in held for value in values)
    sure = {v for v, n in tagged.items() if n >= max(FEWEST_TAGGED, counts[v] / 2)}
    found = []
    for values in held:
        by_slot: dict[str, set[str]] = defaultdict(set)
        for value in values & sure:
            by_slot[slot[value][1]].add(value)
        found.append(dict(by_slot))
    return found


def _runs(said: list[str], lengths: Mapping[str, Collection[int]]) -> set[str]:
    """The runs of words that may be values, by the word that they begin with."""
    if lengths.keys().isdisjoint(said):
        return set()
    return {
        " ".join(said[at : at + n])
        for at, word in enumerate(said)
        for n in lengths.get(word, ())
        if at + n <= len(said)
    }


@dataclass(frozen=True)
class _Spoken:
    """A wording, its words, and whether its script spaces them."""

    text: str
    words: frozenset[str]
    unspaced: bool


@dataclass(frozen=True)
class _Sought:
    """Words that are looked for; where words are not spaced, anywhere in a wording."""

    words: frozenset[str]
    unspaced: tuple[str, ...]

    @staticmethod
    def of(some: Collection[str]) -> "_Sought":
        return _Sought(frozenset(some), tuple(w for w in some if unspaced(w)))

    def held(self, spoken: _Spoken) -> frozenset[str]:
        """Those of the words that a wording holds."""
        held = self.words & spoken.words
        if spoken.unspaced:
            held |= {w for w in self.unspaced if w in spoken.text}
        return held


def _numbers(language: str) -> dict[str, str]:
    try:
        spelled = {num2words(n, lang=language).casefold(): str(n) for n in NUMBERS}
    except NotImplementedError:
        return {}
    return {word: n for word, n in spelled.items() if " " not in word and "-" not in word}


def _times(language: str) -> dict[str, str]:
    try:
        names = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return {}
    found = {}
    for what, by_width in (("day", names.days), ("month", names.months)):
        for context in ("format", "stand-alone"):
            for number, name in by_width[context]["wide"].items():
                if not any(c.isspace() or c.isdigit() for c in name):
                    found[name.casefold()] = f"{what} {number}"
    return found
