"""The published warehouse: a copy, built beside the old one and renamed, so that readers never wait.

Each file of `warehouse/views` is one view: its first comment says what the view is, `-- name: text`
lines say what each column is, `$k` is the floor on distinct users. They read the lake's tables
(`lake_...`), what several of them read (`sources.sql`), and views made before (`data...`). No user id is
ever read here.
"""

import json
import os
import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import polars.selectors as cs

from warehouse.blur import blurred
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.tables import TABLES, Evaluations, Published, SlotEvaluations, tables_of

SCHEMA_VERSION = 2
STORAGE = "v1.0.0"  # every DuckDB from then on opens the file
FLIPS = {"locale": pl.String(), "utterance": pl.String(), "intent": pl.String()}
MODELS = {
    "version": pl.String(),
    "training_set": pl.String(),
    "champion": pl.Boolean(),
    "rejected": pl.Boolean(),
    "intents": pl.Int64(),
    "examples": pl.Int64(),
}


@dataclass(frozen=True)
class View:
    """A view of the warehouse: its query, and what it and its columns mean."""

    name: str
    query: str
    comment: str
    columns: dict[str, str]


def views() -> list[View]:
    """The views of the warehouse, each after those that it reads."""
    folder = files("warehouse") / "views"
    texts = {
        f.name.removesuffix(".sql"): f.read_text()
        for f in sorted(folder.iterdir(), key=lambda f: f.name)
        if f.name.endswith(".sql")
    }
    reads = {name: re.findall(r"\bdata\.(\w+)", text) for name, text in texts.items()}
    return [_parsed(name, texts[name]) for name in TopologicalSorter(reads).static_order()]


def publish(home: Home, lake: Lake, k: int) -> dict[str, int]:
    """Build and replace `warehouse.duckdb`; the rows of each view. What a killed session of somebody's left in its
    write-ahead log goes: readers would play it into this one."""
    draft = home.root / ".warehouse.draft.duckdb"
    counts = build(home, lake, k, draft)
    _ahead(home.warehouse).unlink(missing_ok=True)
    os.replace(draft, home.warehouse)
    return counts


def build(home: Home, lake: Lake, k: int, place: Path, night: str | None = None) -> dict[str, int]:
    """Build a warehouse at `place`, as of a night (the newest where not given); the rows of each view."""
    for leftover in (place, _ahead(place)):
        leftover.unlink(missing_ok=True)
    with duckdb.connect(config={"threads": 2}) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"set variable k = {k}")
        con.execute((files("warehouse") / "macros.sql").read_text())
        _bind(con, home, lake, k, night)
        con.execute((files("warehouse") / "sources.sql").read_text())
        con.execute(f"attach {_quoted(str(place))} as published (storage_version '{STORAGE}')")
        con.execute("use published")
        con.execute("create schema data")
        counts = {view.name: _create(con, view, k) for view in views()}
        con.execute("checkpoint")
        con.execute("use memory")
        con.execute("detach published")
    return counts


def _ahead(base: Path) -> Path:
    """Its write-ahead log."""
    return base.with_name(f"{base.name}.wal")


def _create(con: duckdb.DuckDBPyConnection, view: View, k: int) -> int:
    """Rows lie in the order of their published columns, so that it tells nothing else."""
    params = {"k": k} if "$k" in view.query else None
    con.execute(
        f"create table data.{view.name} as select * from ({view.query}) order by all", params
    )
    con.execute(f"create view {view.name} as select * from data.{view.name}")
    con.execute(f"comment on view {view.name} is {_quoted(view.comment)}")
    for column, comment in view.columns.items():
        con.execute(f"comment on column {view.name}.{column} is {_quoted(comment)}")
    counted = con.execute(f"select count(*) from data.{view.name}").fetchone()
    return counted[0] if counted else 0


def _parsed(name: str, text: str) -> View:
    comments = [
        line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--")
    ]
    matches = [m for line in comments if (m := re.fullmatch(r"(\w+): (.*)", line))]
    columns = {m.group(1): m.group(2) for m in matches}
    about = " ".join(line for line in comments if not re.fullmatch(r"(\w+): (.*)", line))
    query = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return View(name, query, about, columns)


def _bind(
    con: duckdb.DuckDBPyConnection, home: Home, lake: Lake, k: int, night: str | None
) -> None:
    """Give the views their sources, as of the last night whose every step is done."""
    decided = [d for d in lake.days("decisions") if night is None or d <= night][-1:]
    for table in tables_of(Published.NEWEST):
        if paths := [_quoted(str(f)) for f in lake.files(table, decided)]:
            source = f"read_parquet([{', '.join(paths)}], hive_partitioning = false)"
            con.execute(f"create temp view lake_{table} as select * from {source}")
        else:
            con.register(f"lake_{table}", TABLES[table].create_empty().to_arrow())
    frames = {}
    for table in tables_of(Published.HISTORY):
        nights = [d for d in lake.days(table) if night is None or d <= night]
        frames[f"lake_{table}"] = lake.by_day(table, nights)
    frames |= _models(home, night)
    frames["about"] = pl.DataFrame(
        {"schema_version": [SCHEMA_VERSION], "night": [decided[0] if decided else None]},
        schema_overrides={"night": pl.String()},
    )
    for name, rows in frames.items():
        con.register(name, _blurred(rows.with_columns(cs.enum().cast(pl.String())), k).to_arrow())


def _blurred(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """Sentences without the counts that they tell."""

    def sentence(text: str) -> str:
        return blurred(text, k)

    told = pl.element().map_elements(sentence, pl.String)
    return rows.with_columns(
        cs.by_name("because", require_all=False).list.eval(told),
        cs.by_name("message", "answer", require_all=False).map_elements(sentence, pl.String),
    )


def _models(home: Home, night: str | None) -> dict[str, pl.DataFrame]:
    """The models of the nights until then, their evaluations, and what they have wrong that the champion
    had right."""
    every = sorted(f.parent for f in home.models.glob("[!.]*/model.json"))
    folders = [f for f in every if night is None or f.name[:10] <= night]
    champion, rejected = _champion(home, night), _rejected(home)
    flips = [
        _kept(f / "flipped.parquet", FLIPS).with_columns(challenger=pl.lit(f.name)) for f in folders
    ]
    figures = [
        _kept(f / "evaluation.parquet", dict(Evaluations.create_empty().schema)) for f in folders
    ]
    slots = [
        _kept(f / "slot_evaluation.parquet", dict(SlotEvaluations.create_empty().schema))
        for f in folders
    ]
    return {
        "all_slot_evaluations": pl.concat([SlotEvaluations.create_empty(), *slots]),
        "all_models": pl.DataFrame(
            [_model(f, champion, rejected) for f in folders], MODELS, orient="row"
        ),
        "all_evaluations": pl.concat([Evaluations.create_empty(), *figures]),
        "all_flips": pl.concat([pl.DataFrame(schema=FLIPS | {"challenger": pl.String()}), *flips]),
    }


def _model(folder: Path, champion: str | None, rejected: set[str]) -> tuple[Any, ...]:
    about, version = json.loads((folder / "model.json").read_text()), folder.name
    taught, examples = about.get("training_set"), about.get("examples", 0)
    stopped = not rejected.isdisjoint({version, taught})
    return version, taught, version == champion, stopped, len(about["labels"]), examples


def _rejected(home: Home) -> set[str]:
    """The models and training sets that a person rejected."""
    brake = home.root / "brake.json"
    return (
        set(json.loads(brake.read_text(encoding="utf8"))["rejected"]) if brake.is_file() else set()
    )


def _champion(home: Home, night: str | None) -> str | None:
    """The model that serves; of an earlier night, the last one made until then that ever served."""
    pointer, served = home.models / "champion", home.models / "served"
    if night is None:
        return pointer.read_text().strip() if pointer.is_file() else None
    versions = served.read_text().splitlines() if served.is_file() else []
    return next((v for v in reversed(versions) if v[:10] <= night), None)


def _kept(place: Path, schema: dict[str, Any]) -> pl.DataFrame:
    """The columns of a file; null those that it lacks, for it was kept by an earlier version."""
    if not place.is_file():
        return pl.DataFrame(schema=schema)
    rows = pl.read_parquet(place)
    return rows.select(
        name if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
