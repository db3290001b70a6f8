"""`docs/warehouse.md`, made from the comments of the views and the cookbook:

python -m warehouse.reference > docs/warehouse.md
"""

import sys
import tempfile
from pathlib import Path

import polars as pl

from warehouse.home import create
from warehouse.lake import Lake
from warehouse.publish import SCHEMA_VERSION, STORAGE, publish, views
from warehouse.queries import ask, names, question

HEAD = f"""# The warehouse

`HOME/warehouse.duckdb`, schema version {SCHEMA_VERSION}. Every DuckDB from {STORAGE.removeprefix("v")} on opens it, read-only: the
command line (`duckdb -readonly HOME/warehouse.duckdb`), Python, JDBC. A night builds a new file beside it and renames it: a session
that is open keeps the night that it opened.

Nothing in it was said by fewer than k users (`min_users.published`, 5), and no count is below k: such a count is null. Counts are
rounded to multiples of k, also those in sentences, so that one person more is seldom seen, and then as k. Numbers, addresses and names
are masked in wordings (`[privacy] mask`); wordings that differ in nothing else are one. Probabilities are given to the hundredth.

This page is made from the comments of the views: `python -m warehouse.reference > docs/warehouse.md`.
"""


def page() -> str:
    """The reference of all views and of the cookbook, as Markdown."""
    types = _types()
    parts = [HEAD]
    for view in sorted(views(), key=lambda v: v.name):
        parts += [
            f"\n## {view.name}\n\n{view.comment}\n\n| column | type | meaning |\n|---|---|---|"
        ]
        parts += [
            f"| {name} | {types[view.name, name]} | {_cell(meaning)} |"
            for name, meaning in view.columns.items()
        ]
    parts.append(
        "\n## The cookbook\n\n`sayagain sql --home HOME --query NAME`\n\n| name | question |\n|---|---|"
    )
    parts += [f"| {name} | {_cell(question(name))} |" for name in names()]
    return "\n".join(parts) + "\n"


def _types() -> dict[tuple[str, str], str]:
    """The type of each column of each view, from an empty warehouse."""
    with tempfile.TemporaryDirectory() as folder:
        home = create(Path(folder) / "home")
        publish(home, Lake(home.lake), 5)
        found: pl.DataFrame = ask(
            home.root,
            "select table_name, column_name, lower(data_type) as type from duckdb_columns()"
            " where not internal and schema_name = 'main'",
        )
    return {(table, column): kind for table, column, kind in found.iter_rows()}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(page())
