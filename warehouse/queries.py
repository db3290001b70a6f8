"""Read-only questions to the published warehouse: free ones, and the cookbook by name."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from warehouse.errors import BadInput
from warehouse.home import Home

CONTENTS = (
    "select view_name as view, comment from duckdb_views()"
    " where not internal and schema_name = 'main' order by view_name"
)


def ask(root: Path, query: str, since: date | None = None) -> pl.DataFrame:
    """The rows of a query on a home's warehouse; it can neither write nor reach another file or the
    network. `since` fills its `$since`."""
    return ask_file(published(root), query, since)


def published(root: Path) -> Path:
    """The warehouse of a home; BadInput where no night was run."""
    place = Home(root).warehouse
    if not place.is_file():
        raise BadInput(f"{place}: is not there yet; `sayagain run LOG --home {root}` makes it")
    return place


def ask_file(place: Path, query: str, since: date | None = None) -> pl.DataFrame:
    """The same of a warehouse's file."""
    with opened(place) as asked:
        return asked(query, since)


@contextmanager
def opened(place: Path) -> Iterator[Callable[..., pl.DataFrame]]:
    """A warehouse's file, to be asked several questions: all answers are of one night, whatever is published
    meanwhile."""
    safe: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "threads": "2",
    }
    try:
        con = duckdb.connect(str(place), read_only=True, config=safe)
    except duckdb.Error as error:
        raise BadInput(f"{place}: cannot be opened ({str(error).splitlines()[0]})") from None

    def asked(query: str, since: date | None = None) -> pl.DataFrame:
        try:
            rows = con.sql(query, params={"since": since} if "$since" in query else None)
            found: pl.DataFrame | None = rows.pl() if rows is not None else None
        except duckdb.CatalogException as error:
            missing = re.search(r"Table with name (\w+) does not exist", str(error))
            if missing and (files("warehouse") / "views" / f"{missing[1]}.sql").is_file():
                why = f"{place}: was published by an earlier version and lacks {missing[1]}; the next run publishes it"
                raise BadInput(why) from None
            raise BadInput(f"query: {str(error).splitlines()[0]}") from None
        except (duckdb.Error, pl.exceptions.PolarsError) as error:
            raise BadInput(f"query: {str(error).splitlines()[0]}") from None
        return pl.DataFrame() if found is None else found

    with con:
        yield asked


def day(option: str, text: str) -> date:
    """The day that an option names."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{option} {text}: is not a day; write YYYY-MM-DD") from None


def names() -> list[str]:
    """The questions of the cookbook, by name."""
    folder = files("warehouse") / "queries"
    return sorted(f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql"))


def named(name: str) -> str:
    """The SQL of a question of the cookbook."""
    if name not in names():
        raise BadInput(f"--query {name}: is unknown; known: {', '.join(names())}")
    return (files("warehouse") / "queries" / f"{name}.sql").read_text()


def question(name: str) -> str:
    """The question itself."""
    return named(name).splitlines()[0].removeprefix("--").strip()
