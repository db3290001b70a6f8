"""What the lake remembers, asked for a few rows of large tables: filters reach the files."""

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from flows.settings import Settings
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake, window_start
from warehouse.tables import TABLES

MOST = 10  # turns, pairs, moves and the like


@dataclass(frozen=True)
class LakeReader:
    """A home, and the settings by which its nights are run."""

    home: Home
    settings: Settings

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    @cached_property
    def night(self) -> str:
        """The last night whose every step is done."""
        nights = self.lake.days("decisions")
        if not nights:
            raise BadInput(
                f"{self.home.root}: no night is done here yet; `sayagain run LOG` runs one"
            )
        return nights[-1]

    def state(self, table: str) -> pl.LazyFrame:
        """A state table as the night left it."""
        return self.lake.scan(table, [self.night])

    def of(self, table: str, wording: str, locale: str | None) -> pl.DataFrame:
        """The rows of a state table about a wording."""
        return self.state(table).filter(said(wording, locale)).collect()

    def window(self, table: str) -> list[str]:
        """The days of an event table that count for what the night believed."""
        days = self.settings.mining.window_days
        first = window_start(self.night, days)
        return [d for d in self.lake.days(table) if first <= d <= self.night]

    def history(self, table: str, among: pl.Expr) -> pl.DataFrame:
        """Rows of a small table of all nights, each with its `night`, oldest first."""
        rows = [
            self.lake.scan(table, [day]).filter(among).with_columns(night=pl.lit(day))
            for day in self.lake.days(table)
        ]
        none = TABLES[table].create_empty().with_columns(night=pl.lit(""))
        return pl.concat(rows).collect() if rows else none


@dataclass(frozen=True)
class Spoken:
    """A wording: how often it was said in the window by people, what of it was set `aside` as a bot's
    (`reason, turns, days`), and the `last` day on which it was said, where nobody said it in the window."""

    wording: str
    locale: str
    turns: int
    users: int
    aside: list[dict[str, Any]]
    last: str | None = None


def said(wording: str, locale: str | None) -> pl.Expr:
    """Rows about a wording, of one locale where it is given."""
    mine = pl.col("utterance") == wording
    return mine & (pl.col("locale") == locale) if locale else mine


def normal(utterance: str) -> str:
    """A wording as the lake has it."""
    return unicodedata.normalize("NFC", utterance)


def spoken(memory: LakeReader, utterance: str, locale: str | None) -> Spoken:
    """What was said of it; BadInput where it never was, or in several locales."""
    wording = normal(utterance)
    counted = memory.of("utterance_stats", wording, locale)
    aside = _aside(memory, wording, locale)
    last = _last(memory, wording, locale) if counted.is_empty() else {}
    tags = counted["locale"].to_list() or sorted(set(aside["locale"])) or sorted(last)
    if not tags:
        _raise_if_masked(memory, wording)
        where = f" in {locale}" if locale else ""
        raise BadInput(f"{wording!r} was never said{where}, as far as the lake remembers")
    if len(tags) > 1:
        raise BadInput(f"{wording!r} was said in {', '.join(tags)}; add --locale")
    (tag,) = tags
    turns, users = counted.select("turns", "users").row(0) if counted.height else (0, 0)
    bots = aside.filter(locale=tag).drop("locale").to_dicts()
    return Spoken(wording, tag, turns, users, bots, last.get(tag))


def _raise_if_masked(memory: LakeReader, wording: str) -> None:
    """What is published is masked: whoever asks about that is told what was said."""
    said_so = (
        memory.state("released_utterances")
        .filter(pl.col("shown") == wording)
        .select("utterance")
        .collect()
    )
    if said_so.height:
        first = repr(said_so["utterance"].sort()[0])
        raise BadInput(
            f"{wording!r} is how {said_so.height} wordings are shown, such as {first}: name one"
        )


def _aside(memory: LakeReader, wording: str, locale: str | None) -> pl.DataFrame:
    """`locale, reason, turns, days`: what was set aside as a bot's."""
    parts = [
        memory.lake.scan("bots", [day]).filter(said(wording, locale)).with_columns(day=pl.lit(day))
        for day in memory.window("bots")
    ]
    if not parts:
        return pl.DataFrame(schema=["locale", "reason", "turns", "days"])
    counts = pl.concat(parts).group_by("locale", pl.col("reason").cast(pl.String))
    return (
        counts.agg(pl.col("turns").sum(), days=pl.col("day").n_unique())
        .sort("locale", "reason")
        .collect()
    )


def _last(memory: LakeReader, wording: str, locale: str | None) -> dict[str, str]:
    """By locale, the newest day on which it was said at all."""
    found: dict[str, str] = {}
    for day in memory.lake.days("turns"):
        rows = memory.lake.scan("turns", [day]).filter(said(wording, locale)).select("locale")
        found |= dict.fromkeys(rows.unique().collect()["locale"].sort().to_list(), day)
    return found
