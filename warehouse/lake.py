"""The lake: one partition a day, replaced as a whole, never appended.

    lake/<table>/day=YYYY-MM-DD/*.parquet

A partition is built in `lake/.staging` and swapped in. A run that dies between the two renames of
a swap leaves the old partition in `lake/.replaced`, from where `recover` puts it back.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import dataframely as dy
import polars as pl

from warehouse.tables import TABLES

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)


@dataclass(frozen=True)
class Lake:
    root: Path

    def recover(self) -> None:
        """Mend what a killed run left behind; only for the run that holds the home."""
        for left in self._replaced().glob("*/day=*"):
            place = self.root / left.relative_to(self._replaced())
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(left, place)
        shutil.rmtree(self._replaced(), ignore_errors=True)
        shutil.rmtree(self.root / ".staging", ignore_errors=True)

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
        schema = TABLES[table]
        files = self.files(table, days)
        parts = [pl.scan_parquet(f, hive_partitioning=False) for f in files]
        rows = [typed(schema, _completed(schema, part)) for part in parts]
        return pl.concat(rows) if rows else schema.create_empty().lazy()

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

    def mark(self, table: str, days: Iterable[str]) -> list[tuple[str, int, int]]:
        """What tells whether these days were written since: file, bytes, time of writing."""
        stats = ((f, f.stat()) for f in self.files(table, days))
        return [(str(f.relative_to(self.root)), s.st_size, s.st_mtime_ns) for f, s in stats]

    def staging(self, name: str) -> Path:
        """An empty folder to build something in, inside the lake so that a rename can move it."""
        folder = self.root / ".staging" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def replace(self, table: str, day: str, staged: Path) -> None:
        """Make the staged folder the day's partition."""
        place, aside = self._place(table, day), self._replaced() / table / f"day={day}"
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            os.replace(place, aside)
        os.replace(staged, place)
        shutil.rmtree(aside, ignore_errors=True)

    def replace_days(self, table: str, days: Iterable[str], staged: Path) -> None:
        """Make `staged/day=.../` the partitions of these days; a day without rows has an empty one."""
        for day in days:
            folder = staged / f"day={day}"
            if folder.exists():
                self.replace(table, day, folder)
            else:
                self.put(table, day, TABLES[table].create_empty())

    def _place(self, table: str, day: str) -> Path:
        return self.root / table / f"day={day}"

    def _replaced(self) -> Path:
        return self.root / ".replaced"


def _completed(schema: type[dy.Schema], rows: pl.LazyFrame) -> pl.LazyFrame:
    """With null in the columns that may be so and are not there: an earlier version did not know them."""
    there = rows.collect_schema()
    gained = [n for n, column in schema.columns().items() if column.nullable and n not in there]
    return rows.with_columns(pl.lit(None).alias(name) for name in gained)


def typed(schema: type[dy.Schema], rows: Rows) -> Rows:
    """The schema's columns in its order and types."""
    return rows.select(pl.col(name).cast(column.dtype) for name, column in schema.columns().items())
