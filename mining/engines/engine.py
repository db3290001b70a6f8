"""One SQL, two engines: the files of `mining` run on Spark as they are, on DuckDB through sqlglot.

A file says what it needs, in lines of its head: `-- reads turns: what it is` for a table, `-- takes :k` for a parameter.
Whoever asks gives these, and nothing of a query is left behind for the next one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

Inputs = Mapping[str, Sequence[Path] | pl.DataFrame]
Params = Mapping[str, int]
FileReader = Callable[[Path], Iterator[pl.DataFrame]]
PEOPLE = "people"
Item = TypeVar("Item")


class Engine(Protocol):
    """Runs the named SQL files over Parquet files or small frames.

    Inputs bind table names to files or rows, `params` bind the :names of the SQL; those that the file does not need are
    passed over, and ValueError names one that it needs and lacks. PEOPLE is the view of its own file, over `turns`
    and `bots`.
    """

    name: str

    def read(self, paths: list[Path], reader: FileReader, schema: pl.Schema, out: Path) -> None:
        """Run `reader` over each file; its batches become Parquet files in `out`."""

    def query(self, sql: str, inputs: Inputs, params: Params | None = None) -> pl.DataFrame:
        """The rows of a query whose result is small."""

    def write(self, sql: str, inputs: Inputs, params: Params, out: Path) -> None:
        """The rows of a query with a `day` column, as `out/day=.../*.parquet`."""

    def each(self, work: Callable[[Item], None], items: Sequence[Item]) -> None:
        """Have `work` done for each item, on whatever machines there are; what it makes it leaves as files."""

    def close(self) -> None: ...


def inputs_of(sql: str) -> tuple[str, ...]:
    """The tables that a SQL file needs, those behind PEOPLE in its place."""
    named = re.findall(r"^-- reads (\w+)", sql_text(sql), re.MULTILINE)
    behind = inputs_of(PEOPLE) if PEOPLE in named else ()
    return tuple(dict.fromkeys([*behind, *(n for n in named if n != PEOPLE)]))


def reads_people(sql: str) -> bool:
    """Whether a SQL file reads the view PEOPLE."""
    return re.search(rf"^-- reads {PEOPLE}\b", sql_text(sql), re.MULTILINE) is not None


def bound(sql: str, inputs: Inputs, params: Params) -> tuple[Inputs, Params]:
    """Of what is given, what the file needs; ValueError where something is missing."""
    tables, names = inputs_of(sql), re.findall(r"^-- takes :(\w+)", sql_text(sql), re.MULTILINE)
    missing = [n for n in tables if n not in inputs] + [f":{n}" for n in names if n not in params]
    if missing:
        raise ValueError(f"{sql}.sql needs {', '.join(missing)}")
    return {n: inputs[n] for n in tables}, {n: params[n] for n in names}


@cache
def sql_text(name: str) -> str:
    """The text of a SQL file of `mining`, by its name."""
    return sql_files()[name].read_text(encoding="utf8")


@cache
def sql_files() -> dict[str, Path]:
    """The SQL files of `mining` by their names; ValueError where two have one."""
    places = sorted(Path(__file__).parent.parent.rglob("*.sql"))
    found = {place.stem: place for place in places}
    if len(found) < len(places):
        raise ValueError("two SQL files of mining have one name")
    return found
