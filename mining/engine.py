"""One SQL, two engines: the files of `mining/sql` run on Spark as they are, on DuckDB through sqlglot."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import polars as pl

Inputs = Mapping[str, Sequence[Path] | pl.DataFrame]
Params = Mapping[str, int]
FileReader = Callable[[Path], Iterator[pl.DataFrame]]
PEOPLE = "people"


class Engine(Protocol):
    """Runs the named SQL files over Parquet files or small frames.

    Inputs bind table names to files or rows, `params` bind the :names of the SQL. Where `turns` and
    `robots` are bound, so is PEOPLE, the view of its SQL file.
    """

    name: str

    def read(self, paths: list[Path], reader: FileReader, schema: pl.Schema, out: Path) -> None:
        """Run `reader` over each file; its batches become Parquet files in `out`."""

    def query(self, sql: str, inputs: Inputs, params: Params | None = None) -> pl.DataFrame:
        """The rows of a query whose result is small."""

    def write(self, sql: str, inputs: Inputs, params: Params, out: Path) -> None:
        """The rows of a query with a `day` column, as `out/day=.../*.parquet`."""

    def close(self) -> None: ...


def has_people(inputs: Inputs) -> bool:
    return "turns" in inputs and "robots" in inputs


@cache
def sql_text(name: str) -> str:
    return (files("mining") / "sql" / f"{name}.sql").read_text()
