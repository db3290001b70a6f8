"""Erasing turns, and all that was kept because of them, wherever it lies in a home.

What goes is a user's, or of days before one. With the turns go all rows that name them or their user,
and all rows that hold a wording which no other turn of the lake holds, said or run. The turns go last:
as long as one is there, an erasure that was cut short can be done again from the beginning.

What stays: counts of earlier nights; models until others serve (numbers, and pieces of words in their
encoders: a wording of one short word may be such a piece; a program of the user's own may keep more);
seed data, and what a model keeps of it alone (no `locale`), since it came from no user; and which
rows of which log file were refused for being a forgotten user's.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from warehouse.common.files import write_atomically
from warehouse.forgotten import Erasing
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.tables import TABLES, Grain, tables_of

WORDINGS = ("utterance", "executed_utterance", "source", "target", "variant", "neighbour", "via")
TURN_IDS = ("turn_id", "source_turn_id", "target_turn_id", "end_turn_id")
EXAMPLE = "example"  # a wording that a row names and is not about: the row stays without it
VALUE = "value"  # of a slot
JUDGED = "row"  # keyed hash of what an audit judges: whoever has the salt can try wordings on it
# Columns that lead to what a person said.
PERSONAL = {*WORDINGS, *TURN_IDS, EXAMPLE, VALUE, JUDGED, "user_id", "file"}
NEEDED = ["turn_id", "user_id", "locale", "utterance", "executed_utterance", "slots"]


@dataclass(frozen=True)
class ErasureScope:
    """What goes: all of a hashed `user`, or all `before` a day."""

    user: str | None = None
    before: str | None = None

    def parted(self, lake: Lake) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        """The turns that go, and those that stay."""
        days = lake.days("turns")
        if self.before is not None:
            old = [d for d in days if d < self.before]
            return _turns(lake, old), _turns(lake, [d for d in days if d not in old])
        turns = _turns(lake, days)
        mine = pl.col("user_id") == self.user
        return turns.filter(mine), turns.filter(~mine)


@dataclass(frozen=True)
class Gone:
    """The turns that go (`turn_id`), their days, and the wordings (`locale, wording`) and slot values (`locale, value`) that
    go with them."""

    scope: ErasureScope
    days: list[str]
    turns: pl.DataFrame
    wordings: pl.DataFrame
    values: pl.DataFrame

    @staticmethod
    def of(lake: Lake, scope: ErasureScope) -> "Gone":
        going, staying = scope.parted(lake)
        turns = going.select("turn_id", "day").collect()
        wordings, values = (_only_in(going, staying, of) for of in (_said, _held))
        return Gone(scope, turns["day"].unique().sort().to_list(), turns, wordings, values)

    def reaches(self, table: str, day: str) -> bool:
        """Whether a day of a table may hold what goes: any night, or a day of the turns, or the one after it, since a pair may
        reach over midnight."""
        near = {*self.days, *(_after(d) for d in self.days)}
        return day in near or table not in tables_of(Grain.DAY)

    def without(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The rows that stay, in their order."""
        names = rows.collect_schema().names()
        if self.scope.user is not None and "user_id" in names:
            rows = rows.filter(pl.col("user_id") != self.scope.user)
        if self.scope.before is not None and {"user_id", "day"} <= set(names):
            rows = rows.filter(pl.col("day") >= self.scope.before)
        for name in TURN_IDS:
            if name in names:
                rows = _apart(rows, self.turns, {name: "turn_id"})
        for name in WORDINGS:
            if name in names and "locale" in names:
                rows = _apart(rows, self.wordings, {"locale": "locale", name: "wording"})
        if EXAMPLE in names:
            of = {"locale": "locale", EXAMPLE: "wording"}
            kept = _apart(rows, self.wordings, of).select("locale", EXAMPLE).unique()
            known = kept.with_columns(stays=pl.lit(value=True))
            rows = rows.join(known, on=["locale", EXAMPLE], how="left", maintain_order="left")
            rows = rows.with_columns(pl.when("stays").then(EXAMPLE).alias(EXAMPLE)).drop("stays")
        if VALUE in names:
            rows = _apart(rows, self.values, {"locale": "locale", VALUE: VALUE})
        return rows


def personal(table: str) -> bool:
    """Whether rows of the table lead to what a person said."""
    return not PERSONAL.isdisjoint(TABLES[table].column_names())


def judged(table: str) -> bool:
    """Whether the table is of audits: it does not say whose rows are whose, so all of them go that may be a user's."""
    return JUDGED in TABLES[table].column_names()


def of_training_sets(home: Home, gone: Gone, dropped: Collection[str]) -> dict[str, int]:
    """How many rows go of each training set, all of those to be dropped."""
    found = {}
    for place in sorted(home.training_sets.glob("[!.]*/examples.parquet")):
        rows = _scan([place])
        going = _count(rows)
        if place.parent.name not in dropped:
            going -= _count(gone.without(rows))
        found[place.parent.name] = going
    return {version: rows for version, rows in found.items() if rows}


def of_tables(lake: Lake, gone: Gone) -> dict[str, int]:
    """How many rows of each table go of a user's."""
    found = dict.fromkeys(TABLES, 0)
    for table in TABLES:
        for day in lake.days(table) if personal(table) else []:
            files = lake.files(table, [day]) if gone.reaches(table, day) else []
            if files and not judged(table):
                found[table] += _count(_scan(files)) - _count(gone.without(_scan(files)))
    return {table: rows for table, rows in found.items() if rows}


def erase(
    home: Home,
    erasing: Erasing,
    folders: Iterable[Path],
    spared: Collection[tuple[str, str]] = (),
) -> None:
    """Erase what an erasure counted, and these folders. Of tables and nights that are `spared`, which are
    needed though they are too old, only rows go. Done twice it is as done once."""
    lake = Lake(home.lake)
    gone = Gone.of(lake, ErasureScope(erasing.user, erasing.before))
    _drop_leftovers(home)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for unknown in _unknown(lake):
        shutil.rmtree(unknown)
    for table in TABLES:
        if table != "turns":
            _from_table(lake, table, gone, spared)
    _from_training_sets(home, gone, erasing)
    made = home.training_sets.glob("[!.]*/variants.parquet")
    for place in sorted([*made, *home.models.glob("[!.]*/*.parquet")]):
        _rewrite(place, gone)
    _from_table(lake, "turns", gone, spared)


def _unknown(lake: Lake) -> list[Path]:
    """Folders of tables that this program does not declare, such as those of a step that was taken out: nobody knows what
    they hold."""
    folders = (p for p in lake.root.glob("[!.]*") if p.is_dir())
    return sorted(p for p in folders if p.name not in TABLES)


def _from_table(lake: Lake, table: str, gone: Gone, spared: Collection[tuple[str, str]]) -> None:
    event, before = table in tables_of(Grain.DAY), gone.scope.before
    for day in lake.days(table):
        too_old = before is not None and day < before and (table, day) not in spared
        heard = before is None and bool(gone.days) and day >= gone.days[0]
        if (too_old and (event or personal(table))) or (heard and judged(table)):
            shutil.rmtree(lake.root / table / f"day={day}")
        elif personal(table) and gone.reaches(table, day):
            _rewrite_day(lake, table, day, gone)


def _rewrite_day(lake: Lake, table: str, day: str, gone: Gone) -> None:
    files = lake.files(table, [day])
    if not files:
        return
    rows = _scan(files)
    staying = gone.without(rows)
    if _count(staying) < _count(rows):
        staged = lake.staging(f"{table}-{day}")
        staying.sink_parquet(staged / "part-0.parquet")
        lake.replace(table, day, staged)


def _from_training_sets(home: Home, gone: Gone, erasing: Erasing) -> None:
    """They are immutable but for this; each says so in its card."""
    for version, rows in erasing.examples.items():
        place = home.training_sets / version
        if not place.exists():
            continue
        _rewrite(place / "examples.parquet", gone)
        card = (place / "card.md").read_text(encoding="utf8")
        if erasing.erasure not in card:
            told = f"\nErased on {erasing.day}: {rows} rows (erasure {erasing.erasure}).\n"
            write_atomically(place / "card.md", (card + told).encode())


def _rewrite(place: Path, gone: Gone) -> None:
    rows = _scan([place])
    staying = gone.without(rows)
    if _count(staying) < _count(rows):
        draft = place.with_name(f".{place.name}.draft")
        staying.sink_parquet(draft)
        os.replace(draft, place)


def _drop_leftovers(home: Home) -> None:
    """What runs that were killed left half done, and the page of the warehouse as it was."""
    for folder in (home.training_sets, home.models, home.root / "encoders"):
        for draft in folder.glob(".*.draft"):
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
    for file in (*home.root.glob(".warehouse.draft.*"), home.root / "report.html"):
        file.unlink(missing_ok=True)


def _turns(lake: Lake, days: Iterable[str]) -> pl.LazyFrame:
    """What tells of each turn whether it goes, and what it said."""
    none = lake.scan("turns", [])
    parts = [(d, lake.scan("turns", [d])) for d in days] or [("", none)]
    return pl.concat(rows.select(*NEEDED, day=pl.lit(d)) for d, rows in parts)


def _said(turns: pl.LazyFrame) -> pl.LazyFrame:
    """`locale, wording`: each wording that was said or ran, once."""
    parts = [
        turns.select("locale", wording=pl.col(name)) for name in ("utterance", "executed_utterance")
    ]
    return pl.concat(parts).drop_nulls().unique()


def _held(turns: pl.LazyFrame) -> pl.LazyFrame:
    """`locale, value`: each value that a slot held, once."""
    slots = turns.select("locale", "slots").explode("slots").drop_nulls("slots")
    return slots.select("locale", pl.col("slots").struct.field(VALUE)).drop_nulls().unique()


def _only_in(
    going: pl.LazyFrame,
    staying: pl.LazyFrame,
    told: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> pl.DataFrame:
    """What is told of the turns that go, and of none that stays."""
    mine = told(going).collect()
    shared = told(staying).join(mine.lazy(), on=mine.columns, how="semi").collect()
    return mine.join(shared, on=mine.columns, how="anti")


def _apart(rows: pl.LazyFrame, others: pl.DataFrame, by: dict[str, str]) -> pl.LazyFrame:
    """The rows whose columns are in none of the others'."""
    return rows.join(
        others.lazy(),
        left_on=list(by),
        right_on=list(by.values()),
        how="anti",
        maintain_order="left",
    )


def _scan(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(files, hive_partitioning=False)


def _count(rows: pl.LazyFrame) -> int:
    return int(rows.select(pl.len()).collect().item())


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
