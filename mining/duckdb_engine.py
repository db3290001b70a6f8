"""The embedded engine: DuckDB in process, in memory, spilling to disk past its limit."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import sqlglot

from mining.engine import PEOPLE, FileReader, Inputs, Params, has_people, sql_text

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
        rows: pl.DataFrame = self._relation(sql, inputs, params or {}).pl()
        return rows

    def write(self, sql: str, inputs: Inputs, params: Params, out: Path) -> None:
        rows = self._relation(sql, inputs, params)
        rows.write_parquet(str(out), partition_by=["day"], overwrite=True)

    def close(self) -> None:
        self.con.close()

    def _relation(self, sql: str, inputs: Inputs, params: Params) -> Any:
        for name, source in inputs.items():
            self.con.unregister(name)  # a registered frame would hide the files of the same name
            if isinstance(source, pl.DataFrame):
                self.con.register(name, source.to_arrow())
            else:
                files = self.con.read_parquet(
                    [str(p) for p in source], hive_partitioning=False, union_by_name=True
                )
                files.create_view(name, replace=True)
        if has_people(inputs):
            self.con.execute(f"create or replace temp view {PEOPLE} as {translated(PEOPLE)}")
        text = translated(sql)
        used = {k: v for k, v in params.items() if re.search(rf"\${k}\b", text)}
        return self.con.sql(text, params=used or None)
