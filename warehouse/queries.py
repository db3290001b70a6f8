"""Read-only questions to the published warehouse: free ones, and the cookbook by name."""

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


def ask(root: Path, query: str) -> pl.DataFrame:
    """The rows of a query; it can neither write nor reach another file or the network."""
    place = Home(root).warehouse
    if not place.is_file():
        raise BadInput(f"{place}: is not there yet; `sayagain run LOG --home {root}` makes it")
    safe: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "threads": "2",
    }
    try:
        with duckdb.connect(str(place), read_only=True, config=safe) as con:
            rows = con.sql(query)
            found: pl.DataFrame | None = rows.pl() if rows is not None else None
    except (duckdb.Error, pl.exceptions.PolarsError) as error:
        raise BadInput(f"query: {str(error).splitlines()[0]}") from None
    return pl.DataFrame() if found is None else found


def names() -> list[str]:
    """The questions of the cookbook."""
    folder = files("warehouse") / "queries"
    return sorted(f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql"))


def named(name: str) -> str:
    """The text of a question of the cookbook."""
    if name not in names():
        raise BadInput(f"--query {name}: is unknown; known: {', '.join(names())}")
    return (files("warehouse") / "queries" / f"{name}.sql").read_text()
