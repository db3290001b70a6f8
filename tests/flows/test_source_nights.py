"""A night from each source: from `inspect` to an export, with the turns, pairs and beliefs of the same log in our own
schema, but for the fields that a source does not have. Minutes: run by make test-sources."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import foreign
import polars as pl
import pytest
from test_cli import sayagain

from flows.simulation.place import Habits
from flows.simulation.world import simulate
from logs import write_log
from warehouse.home import create
from warehouse.lake import Lake

pytestmark = pytest.mark.sources
Row = dict[str, Any]
USERS = {
    "lex": "sessionState.sessionAttributes.who",
    "dialogflow-cx": "request.queryParams.payload.who",
}
CARRIED = ["user_id", "session_id", "timestamp", "locale", "utterance", "intent", "confidence", "n_best", "slots", "response"]  # fmt: skip
HEARD = ["intent", "confidence", "n_best", "slots"]


def failed(row: Row) -> Row:
    """Where nothing was understood, the system says that it failed, and how sure it was of that; its guesses stay."""
    return row if row["intent"] else row | {"outcome": "failure", "confidence": None}


def of_rasa(row: Row) -> Row:
    return failed(row) | {"channel": "rest"}


def one_session_at_a_time(rows: list[Row]) -> Iterator[Row]:
    """A conversation of Rasa's has one session after the other: the one that began last."""
    begun: set[str] = set()
    current: dict[str, str] = {}
    for row in rows:
        if row["session_id"] not in begun:
            begun.add(row["session_id"])
            current[row["user_id"]] = row["session_id"]
        yield row | {"session_id": current[row["user_id"]]}


def of_lex(row: Row) -> Row:
    return failed(row) | {"channel": "text", "model_version": "3 live"}


def of_bots(row: Row) -> Row:
    return row | {"channel": "emulator", "confidence": row["confidence"] if row["intent"] else None}


def of_rooms(row: Row) -> Row:
    return row | {"channel": "text", "outcome": "success"}


def of_searches(row: Row) -> Row:
    """What was found is the answer, and a click is its success."""
    outcome = "success" if row["intent"] else None
    return row | {"channel": "shop", "response": "2 results", "outcome": outcome}


def conversations(row: Row) -> Row:
    return row | {"user_id": row["session_id"]}


SOURCES: dict[str, tuple[Callable[[Path, list[Row]], Path], list[str], Callable[[Row], Row]]] = {
    "rasa": (foreign.rasa_tracker_store, [], of_rasa),
    "lex": (foreign.lex, [], of_lex),
    "dialogflow-cx": (foreign.dialogflow_cx, ["n_best"], failed),
    "dialogflow-es": (foreign.dialogflow_es, ["n_best", "slots"], lambda r: conversations(failed(r))),
    "botframework": (foreign.botframework, ["slots"], of_bots),
    "home-assistant": (foreign.home_assistant, HEARD, of_rooms),
    "ubi": (foreign.ubi, ["confidence", "n_best", "slots", "locale"], of_searches),
    "langfuse": (foreign.langfuse, ["confidence", "n_best", "slots", "locale"], lambda r: r),
    "otel": (foreign.otel, ["confidence", "n_best", "slots", "locale"], lambda r: r),
    "chat": (foreign.chat, [*HEARD, "locale"], lambda r: r),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("world")
    simulate(out, None, 5, Habits(80, 5, 2_500, "2026-01-05", 12, 0.1, 0, 0.0, shape="command"), ["en-GB"])  # fmt: skip
    return out


@pytest.fixture(scope="module")
def rows(world) -> list[Row]:
    log = gzip.decompress((world / "log.jsonl.gz").read_bytes()).splitlines()
    said = [{name: json.loads(line).get(name) for name in CARRIED} for line in log]
    told = [r | {"slots": r["slots"] or {}, "n_best": r["n_best"] or []} for r in said]
    assert len(told) >= 2_000
    return sorted(told, key=lambda r: r["timestamp"])


def known(world: Path, place: Path, *, local: bool) -> Path:
    """The seed data; without a locale for a log that names none."""
    lines = gzip.decompress((world / "seed.jsonl.gz").read_bytes()).splitlines()
    rows = [json.loads(line) for line in lines]
    return write_log(place, rows if local else [r | {"locale": "und"} for r in rows])


def night(root: Path, log: Path, seed: Path, *more: object) -> Path:
    home = create(root).root
    (home / "salt").write_bytes(b"s" * 32)
    done = sayagain("run", log, "--home", home, "--seed-data", seed, *more)
    assert done.returncode == 0, done.stderr
    return home


def turns(home: Path) -> pl.DataFrame:
    """Without the names of turns and sessions, which a system gives in its own way."""
    found = Lake(home / "lake").read("turns").drop("turn_id", "session_id")
    return found.sort("at_ms", "user_id", "utterance")


def pairs(home: Path) -> pl.DataFrame:
    lake = Lake(home / "lake")
    said = lake.read("turns").select("turn_id", "user_id", "at_ms")
    events = lake.read("rephrase_events").select("source_turn_id", "target_turn_id", "p_rephrase")
    for side in ("source", "target"):
        named = said.rename(
            {"turn_id": f"{side}_turn_id", "user_id": f"{side}_user", "at_ms": f"{side}_ms"}
        )
        events = events.join(named, on=f"{side}_turn_id").drop(f"{side}_turn_id")
    return events.select(pl.exclude("p_rephrase"), pl.col("p_rephrase").round(4)).sort(pl.all())


def exported(home: Path, out: Path) -> dict[tuple[str, str], tuple[str, float]]:
    """What is believed of each wording; nothing where the export says that nothing is."""
    done = sayagain("export", "--home", home, "--out", out)
    if done.returncode:
        assert "is empty; its card.md says why" in done.stderr
        return {}
    examples = pl.concat([pl.read_parquet(f) for f in out.glob("*.parquet")])
    first = examples.select("locale", "utterance", pl.col("labels", "probabilities").list.first())
    return {(r[0], r[1]): (r[2], r[3]) for r in first.iter_rows()}


@pytest.mark.parametrize("name", SOURCES)
def test_from_inspect_to_an_export(tmp_path, world, rows, name):
    write, lacking, adjusted = SOURCES[name]
    told = one_session_at_a_time(rows) if name == "rasa" else rows
    ours = [adjusted(r) | dict.fromkeys(lacking) for r in told]
    ours = [r if r["locale"] else r | {"locale": "und"} for r in ours]
    seed = known(world, tmp_path / "seed.jsonl", local="locale" not in lacking)
    reference = night(tmp_path / "ours", write_log(tmp_path / "ours.jsonl", ours), seed)
    log = write(tmp_path / ("log.db" if name == "rasa" else "log.jsonl"), rows)
    told = sayagain("inspect", log, "--out", tmp_path / "sayagain.toml")
    assert told.returncode == 0, told.stderr
    assert f"records of {name}" in told.stdout
    assert f'source = "{name}"' in (tmp_path / "sayagain.toml").read_text()
    home = night(tmp_path / "theirs", log, seed, "--config", settings(tmp_path, name))
    assert turns(home).to_dicts() == turns(reference).to_dicts()
    assert pairs(home).equals(pairs(reference))
    if (
        name == "dialogflow-es"
    ):  # where every conversation is another user, labels are not told, and it is said so
        assert "every user has one session only" in told.stdout
    mine, theirs = (exported(place, tmp_path / f"{place.name}-set") for place in (reference, home))
    assert mine.keys() == theirs.keys()
    for wording, (label, sure) in mine.items():
        assert theirs[wording] == (label, pytest.approx(sure, abs=1e-6)), wording
    assert len(mine) >= (0 if name == "dialogflow-es" else 200)


def settings(folder: Path, name: str) -> Path:
    """What inspect proposed, and where this log has its users, if its system names none."""
    path = folder / "sayagain.toml"
    if name in USERS:
        path.write_text(f'{path.read_text()}[log.columns]\nuser_id = "{USERS[name]}"\n')
    return path
