"""The embedded engine: DuckDB in process, in memory, spilling to disk past its limit.

Notation and constants: docs/method.md, 11.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import sqlglot

from mining.engines.engine import (
    PEOPLE,
    FileReader,
    Inputs,
    Item,
    Params,
    bound,
    reads_people,
    sql_text,
)

MOST_MEMORY = 6 * 10**9  # bytes
LEAST_MEMORY = 10**9


def _a_quarter_of_memory() -> int:
    """Bytes, within bounds: past it DuckDB spills to disk."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(max(whole // 4, LEAST_MEMORY), MOST_MEMORY)


@cache
def translated(name: str) -> str:
    """The SQL file in DuckDB's dialect."""
    return ";\n".join(sqlglot.transpile(sql_text(name), read="spark", write="duckdb"))


class DuckdbEngine:
    name = "duckdb"

    def __init__(self, scratch: Path, memory: str | None = None) -> None:
        """`memory` as DuckDB has it (`4GB`); a quarter of the machine's where not given."""
        scratch.mkdir(parents=True, exist_ok=True)  # DuckDB makes one folder, not its parents
        self.con = duckdb.connect(
            config={
                "memory_limit": memory or f"{_a_quarter_of_memory()}B",
                "temp_directory": str(scratch / "duckdb"),
                "preserve_insertion_order": False,
            }
        )
        self.con.execute("set TimeZone = 'UTC'")

    def read(self, paths: list[Path], reader: FileReader, schema: pl.Schema, out: Path) -> None:
        number = 0
        for path in paths:
            for batch in reader(path):
                batch.write_parquet(out / f"part-{number:05}.parquet")
                number += 1
        if number == 0:
            pl.DataFrame(schema=schema).write_parquet(out / "part-00000.parquet")

    def query(self, sql: str, inputs: Inputs, params: Params | None = None) -> pl.DataFrame:
        with self._asked(sql, inputs, params or {}) as rows:
            found: pl.DataFrame = rows.pl()
        return found

    def write(self, sql: str, inputs: Inputs, params: Params, out: Path) -> None:
        with self._asked(sql, inputs, params) as rows:
            rows.write_parquet(str(out), partition_by=["day"], overwrite=True)

    def each(self, work: Callable[[Item], None], items: Sequence[Item]) -> None:
        for item in items:
            work(item)

    def close(self) -> None:
        self.con.close()

    @contextmanager
    def _asked(self, sql: str, inputs: Inputs, params: Params) -> Iterator[Any]:
        """The rows of a query, not computed yet. Views and frames go with it."""
        tables, values = bound(sql, inputs, params)
        frames = {n: source for n, source in tables.items() if isinstance(source, pl.DataFrame)}
        views = [name for name in tables if name not in frames]
        try:
            for name, rows in frames.items():
                self.con.register(name, rows.to_arrow())
            for name in views:
                files = self.con.read_parquet(
                    [str(p) for p in tables[name]], hive_partitioning=False, union_by_name=True
                )
                files.create_view(name)
            if reads_people(sql):
                self.con.execute(f"create temp view {PEOPLE} as {translated(PEOPLE)}")
            yield self.con.sql(translated(sql), params=values or None)
        finally:
            for name in (PEOPLE, *views):
                self.con.execute(f"drop view if exists {name}")
            for name in frames:
                self.con.unregister(name)
