"""The published warehouse: a copy, built beside the old one and renamed, so that readers never wait.

Each file of `warehouse/views` is one view: its first comment says what the view is, `-- name: text`
lines say what each column is, `$k` is the floor on distinct users. No user id is ever read here.
"""

import json
import os
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import duckdb
import polars as pl

from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.tables import TABLES, Evaluations

SCHEMA_VERSION = 1
NEWEST = (
    "wordings",
    "daily",
    "daily_defects",
    "gaps",
    "moves",
    "fixes",
    "rewrites",
    "variants",
    "clusters",
    "verdicts",
    "soft_labels",
    "calibration",
)
HISTORY = ("lineage", "withheld", "training_sets", "decisions", "outbox", "runs")


@dataclass(frozen=True)
class View:
    """A view of the warehouse: its query, and what it and its columns mean."""

    name: str
    query: str
    comment: str
    columns: dict[str, str]


def views() -> list[View]:
    """The views of the warehouse, by name."""
    folder = files("warehouse") / "views"
    named = sorted(
        (f.name.removesuffix(".sql"), f.read_text())
        for f in folder.iterdir()
        if f.name.endswith(".sql")
    )
    return [_parsed(name, text) for name, text in named]


def publish(home: Home, lake: Lake, k: int) -> dict[str, int]:
    """Build and replace `warehouse.duckdb`; the rows of each view."""
    draft = home.root / ".warehouse.draft.duckdb"
    for leftover in (draft, draft.with_name(draft.name + ".wal")):
        leftover.unlink(missing_ok=True)
    counts = {}
    with duckdb.connect(str(draft), config={"threads": 2}) as con:
        for name, rows in _sources(home, lake).items():
            con.register(name, rows.to_arrow())
        con.execute("create schema data")
        for view in views():
            con.execute(
                f"create table data.{view.name} as {view.query}",
                {"k": k} if "$k" in view.query else None,
            )
            con.execute(f"create view {view.name} as select * from data.{view.name}")
            con.execute(f"comment on view {view.name} is {_quoted(view.comment)}")
            for column, comment in view.columns.items():
                con.execute(f"comment on column {view.name}.{column} is {_quoted(comment)}")
            counted = con.execute(f"select count(*) from {view.name}").fetchone()
            counts[view.name] = counted[0] if counted else 0
        con.execute("checkpoint")
    os.replace(draft, home.warehouse)
    return counts


def _parsed(name: str, text: str) -> View:
    comments = [
        line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--")
    ]
    matches = [m for line in comments if (m := re.fullmatch(r"(\w+): (.*)", line))]
    columns = {m.group(1): m.group(2) for m in matches}
    about = " ".join(line for line in comments if not re.fullmatch(r"(\w+): (.*)", line))
    return View(name, text, about, columns)


def _sources(home: Home, lake: Lake) -> dict[str, pl.DataFrame]:
    decided = lake.days("decisions")[-1:]  # the last night whose every step is done
    newest = {f"lake_{t}": lake.read(t, decided) for t in NEWEST}
    history = {f"lake_{t}": _with_night(lake, t) for t in HISTORY}
    models, evaluations = _models(home)
    about = pl.DataFrame({"schema_version": [SCHEMA_VERSION]})
    return newest | history | {"all_models": models, "all_evaluations": evaluations, "about": about}


def _with_night(lake: Lake, table: str) -> pl.DataFrame:
    parts = [lake.read(table, [day]).with_columns(day=pl.lit(day)) for day in lake.days(table)]
    return pl.concat(parts) if parts else TABLES[table].create_empty().with_columns(day=pl.lit(""))


def _models(home: Home) -> tuple[pl.DataFrame, pl.DataFrame]:
    pointer = home.models / "champion"
    champion = pointer.read_text().strip() if pointer.is_file() else None
    rows: list[tuple[Any, ...]] = []
    evaluations: list[pl.DataFrame] = [Evaluations.create_empty()]
    for facts in sorted(home.models.glob("[!.]*/model.json")):
        about = json.loads(facts.read_text())
        version = facts.parent.name
        rows.append(
            (
                version,
                about.get("training_set"),
                version == champion,
                len(about["labels"]),
                about.get("examples", 0),
            )
        )
        if (figures := facts.parent / "evaluation.parquet").is_file():
            evaluations.append(pl.read_parquet(figures, columns=Evaluations.column_names()))
    schema = {
        "version": pl.String(),
        "training_set": pl.String(),
        "champion": pl.Boolean(),
        "intents": pl.Int64(),
        "examples": pl.Int64(),
    }
    return pl.DataFrame(rows, schema, orient="row"), pl.concat(evaluations)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
