"""The lake: one partition a day, replaced as a whole, never appended.

    lake/<table>/day=YYYY-MM-DD/*.parquet

Partitions are built in `lake/.staging` and committed together: one rename makes what was staged `lake/.committed`, from
where each moves into its place. A run that dies before that rename changed nothing; one that dies after it is
finished by `recover` (redo logging: Gray and Reuter 1992, "Transaction Processing", 10.3).
"""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import dataframely as dy
import polars as pl
import pyarrow.parquet as pq

from warehouse.common.digests import digest, file_digest
from warehouse.tables import TABLES

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)
Place = tuple[str, str]  # a table and a day
CONTENT = ".content.json"  # beside a partition's files: what they hashed to when they were written


class Undeclared(Exception):
    """A step read or wrote what it does not declare: a fault of the program."""


@dataclass(frozen=True)
class Lake:
    root: Path

    def recover(self) -> None:
        """Finish what a killed run had committed, and drop what it had not; only for the run that holds the home."""
        _settle(self.root)
        _drop(self.root / ".staging")

    def complete(self, table: str) -> None:
        """Give what an earlier version wrote the columns that the table has gained since, null."""
        schema = TABLES[table]
        for day in self.days(table):
            files = self.files(table, [day])
            if any(set(schema.column_names()) - set(pl.read_parquet_schema(f)) for f in files):
                self.put(table, day, self.read(table, [day]))

    def days(self, table: str) -> list[str]:
        """The days that the table has, oldest first."""
        return sorted(p.name.removeprefix("day=") for p in (self.root / table).glob("day=*"))

    def files(self, table: str, days: Iterable[str]) -> list[Path]:
        """The table's files of these days; days without a partition have none."""
        return [
            f
            for day in sorted(set(days))
            for f in sorted(self._place(table, day).glob("*.parquet"))
        ]

    def read(self, table: str, days: Iterable[str] | None = None) -> pl.DataFrame:
        """The rows of these days (all where not given), typed by the table's schema."""
        return self.scan(table, self.days(table) if days is None else days).collect()

    def scan(self, table: str, days: Iterable[str]) -> pl.LazyFrame:
        """The same, of these days, for asking a few rows of many: filters reach the files."""
        return _scanned(table, self.files(table, days))

    def heights(self, table: str, days: Iterable[str]) -> dict[str, int]:
        """How many rows each of these days has, by what its files say of themselves."""
        return {
            day: sum(pq.read_metadata(f).num_rows for f in self.files(table, [day])) for day in days
        }

    def by_day(self, table: str, days: Iterable[str]) -> pl.DataFrame:
        """The rows of these days, each with its `day`."""
        return rows_by_day(table, {d: self.files(table, [d]) for d in sorted(set(days))})

    def newest(self, table: str, night: str | None = None) -> pl.DataFrame:
        """A state table as it was believed on `night` (now, where not given)."""
        days = [d for d in self.days(table) if night is None or d <= night]
        return self.read(table, days[-1:])

    def put(self, table: str, day: str, rows: pl.DataFrame) -> int:
        """Check the rows and make them the day's partition; how many they are."""
        schema = TABLES[table]
        checked = schema.validate(typed(schema, rows))
        staged = self.staging(f"{table}-{day}")
        checked.write_parquet(staged / "part-0.parquet")
        self.replace(table, day, staged)
        return checked.height

    def contents(self, table: str, days: Iterable[str]) -> list[tuple[str, str]]:
        """What tells whether these days hold something else: each with a hash of its files."""
        there = [(d, self._place(table, d)) for d in sorted(set(days))]
        return [(d, content(place)) for d, place in there if place.is_dir()]

    def staging(self, name: str) -> Path:
        """An empty folder to build something in, inside the lake so that a rename can move it."""
        folder = self.root / ".staging" / name
        _drop(folder)
        folder.mkdir(parents=True)
        return folder

    def replace(self, table: str, day: str, staged: Path) -> None:
        """Make the staged folder the day's partition."""
        commit(self.root, {(table, day): staged})

    def replace_days(self, table: str, days: Iterable[str], staged: Path) -> None:
        """Make `staged/day=.../` the partitions of these days; a day without rows has an empty one. One that has its rows
        already, in whatever order an engine wrote them, stays as it is."""
        for day in days:
            folder = staged / f"day={day}"
            if not folder.exists():
                self.put(table, day, TABLES[table].create_empty())
            elif not self._has(table, day, folder):
                self.replace(table, day, folder)

    def _has(self, table: str, day: str, staged: Path) -> bool:
        """Whether the day has the rows of a staged partition."""
        files, schema = sorted(staged.glob("*.parquet")), TABLES[table]
        rows = sum(pq.read_metadata(f).num_rows for f in files)
        if day not in self.days(table) or rows != self.heights(table, [day])[day]:
            return False
        theirs = typed(schema, pl.scan_parquet(files, hive_partitioning=False)).collect()
        key = schema.primary_key()
        return theirs.sort(key).equals(self.read(table, [day]).sort(key))

    def _place(self, table: str, day: str) -> Path:
        return self.root / table / f"day={day}"


@dataclass(frozen=True)
class Transaction(Lake):
    """What a step sees of the lake and does to it: it reads what is in `reads`, by table the days that it may, and
    what it wrote itself; what it writes, of the tables of `writes`, is in the lake once it is committed, all or none."""

    reads: Mapping[str, Collection[str]] = field(default_factory=dict)
    writes: Collection[str] = ()
    staged: dict[Place, Path] = field(default_factory=dict)

    def days(self, table: str) -> list[str]:
        self._check(table, self.reads, "read")
        there = (d for d in super().days(table) if d in self.reads.get(table, ()))
        return sorted({*there, *(d for t, d in self.staged if t == table)})

    def files(self, table: str, days: Iterable[str]) -> list[Path]:
        self._check(table, self.reads, "read")
        asked = set(days)
        undeclared = {
            d
            for d in asked - set(self.reads.get(table, ()))
            if (table, d) not in self.staged and self._place(table, d).is_dir()
        }
        if undeclared:
            raise Undeclared(f"{table} of {min(undeclared)} is read, which is not declared")
        return super().files(table, asked)

    def replace(self, table: str, day: str, staged: Path) -> None:
        self._check(table, self.writes, "written")
        self.staged[table, day] = staged

    def commit(self) -> list[Place]:
        """Put all that was written into the lake; which partitions."""
        commit(self.root, self.staged)
        return sorted(self.staged)

    def _check(self, table: str, declared: Collection[str], done: str) -> None:
        if table not in declared and table not in self.writes:
            raise Undeclared(f"{table} is {done}, which is not declared")

    def _place(self, table: str, day: str) -> Path:
        return self.staged.get((table, day)) or super()._place(table, day)


def commit(root: Path, staged: Mapping[Place, Path]) -> None:
    """Make staged folders the partitions of their tables and days, all or none."""
    draft, decided = root / ".staging" / ".commit", root / ".committed"
    _settle(root)
    _drop(draft)
    draft.mkdir(parents=True)
    for (table, day), folder in staged.items():
        _note(folder, _seen(folder))
        place = draft / table / f"day={day}"
        place.parent.mkdir(exist_ok=True)
        os.replace(folder, place)
    os.replace(draft, decided)
    _settle(root)


def _settle(root: Path) -> None:
    """Move what was committed to where it belongs; done twice it is as done once."""
    decided, aside = root / ".committed", root / ".staging" / ".replaced"
    if not decided.exists():
        return
    _drop(aside)
    for new in sorted(decided.glob("*/day=*")):
        place = root / new.relative_to(decided)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            old = aside / new.relative_to(decided)
            old.parent.mkdir(parents=True, exist_ok=True)
            os.replace(place, old)
        os.replace(new, place)
    shutil.rmtree(decided)
    _drop(aside)


def _drop(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def content(partition: Path) -> str:
    """A hash of a partition's files, whatever their names; computed once, and again where one was changed since."""
    seen = _seen(partition)
    try:
        known = json.loads((partition / CONTENT).read_text())
    except (OSError, ValueError):
        known = {}
    return str(known["content"]) if known.get("files") == seen else _note(partition, seen)


def _seen(partition: Path) -> dict[str, list[int]]:
    """By its name, the size of each file and when it was written."""
    stats = ((f.name, f.stat()) for f in sorted(partition.glob("*.parquet")))
    return {name: [s.st_size, s.st_mtime_ns] for name, s in stats}


def _note(partition: Path, seen: dict[str, list[int]]) -> str:
    """Hash the files, and write that down beside them. A note that a kill left half written is of no harm: what it
    leads to is computed again."""
    found = digest(sorted(file_digest(partition / name) for name in seen))
    (partition / CONTENT).write_text(json.dumps({"files": seen, "content": found}))
    return found


def rows_by_day(table: str, files: Mapping[str, list[Path]]) -> pl.DataFrame:
    """The rows of a table's files of some days, each with its `day`."""
    parts = [_scanned(table, some).with_columns(day=pl.lit(day)) for day, some in files.items()]
    none = TABLES[table].create_empty().with_columns(day=pl.lit(""))
    return pl.concat(parts).collect() if parts else none


def _scanned(table: str, files: Iterable[Path]) -> pl.LazyFrame:
    schema = TABLES[table]
    parts = [pl.scan_parquet(f, hive_partitioning=False) for f in files]
    rows = [typed(schema, _completed(schema, part)) for part in parts]
    return pl.concat(rows) if rows else schema.create_empty().lazy()


def window_start(night: str, days: int) -> str:
    """The first day of the window of so many days that ends with a night."""
    return shifted(night, 1 - days)


def days_between(since: str, until: str) -> int:
    """Days from the one to the other, both YYYY-MM-DD."""
    return (date.fromisoformat(until) - date.fromisoformat(since)).days


def shifted(day: str, by: int) -> str:
    """The day so many days later; earlier where `by` is below 0."""
    return (date.fromisoformat(day) + timedelta(days=by)).isoformat()


def _completed(schema: type[dy.Schema], rows: pl.LazyFrame) -> pl.LazyFrame:
    """With null in the columns that may be so and are not there: an earlier version did not know them."""
    there = rows.collect_schema()
    gained = [n for n, column in schema.columns().items() if column.nullable and n not in there]
    return rows.with_columns(pl.lit(None).alias(name) for name in gained)


def typed(schema: type[dy.Schema], rows: Rows) -> Rows:
    """The schema's columns in its order and types."""
    return rows.select(pl.col(name).cast(column.dtype) for name, column in schema.columns().items())
