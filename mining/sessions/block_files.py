"""A block of days as it is given to whichever machine has time for it: the files that it reads, and the folder where what is
made of it is left."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mining.engines.duckdb_engine import DuckdbEngine
from mining.sessions.blocks import Block
from warehouse.lake import rows_by_day

MEMORY = "1GB"  # of the engine by which a block's own turns are asked


@dataclass(frozen=True)
class BlockFiles:
    """`files` of each table by day; `folder` is the block's own, and reached by all machines."""

    block: Block
    files: Mapping[str, Mapping[str, list[Path]]]
    folder: Path

    def rows(self, table: str) -> pl.DataFrame:
        """The rows of the days that are read, each with its `day`."""
        return rows_by_day(table, self.files[table])

    def context(self) -> pl.DataFrame:
        """The turns of people on these days, as the SQL file `context` has them."""
        turns = [file for files in self.files["turns"].values() for file in files]
        with closing(DuckdbEngine(self.folder / "scratch", MEMORY)) as engine:
            return engine.query("context", {"turns": turns, "bots": self.rows("bots")})

    def leave(self, name: str, rows: pl.DataFrame) -> None:
        rows.write_parquet(self.folder / f"{name}.parquet")

    def left(self, name: str) -> pl.LazyFrame:
        """What was left under this name."""
        return pl.scan_parquet(self.folder / f"{name}.parquet")
