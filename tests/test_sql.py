"""The SQL of mining: against the slow way, and the same on both engines, ties included."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs import START, turn, write_log
from mining import pairs, turns
from mining.door import DoorConfig
from mining.duckdb_engine import DuckdbEngine
from mining.engine import Engine
from mining.rows import log_files
from slow import ends as slow_ends
from slow import pairs as slow_pairs
from slow import sessions as slow_sessions
from warehouse.lake import Lake

CONFIG = DoorConfig(salt=b"s" * 32)
GAP = 60

# Few users, few moments, a midnight between: ties and long sessions on purpose.
said = st.fixed_dictionaries(
    {
        "user": st.sampled_from(["ann", "bob"]),
        "seconds": st.sampled_from([0, 0, 10, 50, 100, 300, 57_570, 57_590, 57_610, 57_640]),
        "words": st.sampled_from(["lamp on", "lamp off", "no"]),
        "session": st.sampled_from([None, None, "s1"]),
        "locale": st.sampled_from(["en-GB", "en-GB", "de-DE"]),
    }
)
logs = st.lists(said, min_size=1, max_size=14)


def as_rows(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        turn(s["user"], s["seconds"], s["words"], session_id=s["session"], turn_id=f"t{n:02}")
        | {"locale": s["locale"]}
        for n, s in enumerate(log)
    ]


def mined(engine: Engine, root: Path, rows: list[dict[str, Any]]) -> Lake:
    """A lake that took in the rows as one log."""
    root.mkdir(parents=True, exist_ok=True)
    lake = Lake(root / "lake")
    out = lake.staging("door")
    turns.admit(engine, log_files([str(write_log(root / "log.jsonl", rows))]), CONFIG, out)
    days = turns.merge(engine, lake, turns.account(out, 1.0), GAP)
    pairs.mine(engine, lake, days, GAP)
    return lake


def table(lake: Lake, name: str) -> pl.DataFrame:
    found = lake.read(name)
    return found.sort([c for c in found.columns if c.endswith("_id")])


@given(logs)
@settings(max_examples=60)
def test_sessions_and_pairs_match_the_slow_way(tmp_path_factory, log):
    root = tmp_path_factory.mktemp("slow")
    lake = mined(DuckdbEngine(root), root, as_rows(log))
    rows = lake.read("turns").to_dicts()
    given_ids = {r["turn_id"]: s["session"] for r, s in zip(as_rows(log), log, strict=True)}
    asked = [r | {"session_id": given_ids[r["turn_id"]]} for r in rows]
    session = slow_sessions(asked, GAP * 1000)
    assert {r["turn_id"]: r["session_id"] for r in rows} == session
    found = lake.read("pairs").select("source_turn_id", "target_turn_id").rows()
    assert set(found) == slow_pairs(asked, session, pairs.REACH, GAP * 1000)
    assert len(found) == len(set(found))


@given(logs)
@settings(max_examples=30)
def test_a_run_a_day_ends_like_one_run(tmp_path_factory, log):
    root = tmp_path_factory.mktemp("daily")
    engine = DuckdbEngine(root)
    rows = as_rows(log)
    whole = mined(engine, root / "whole", rows)
    daily = Lake(root / "daily" / "lake")
    for night in sorted({r["timestamp"][:10] for r in rows}):
        of_night = [r for r in rows if r["timestamp"].startswith(night)]
        mined(engine, root / "daily", of_night)
    for name in ("turns", "pairs"):
        assert table(whole, name).equals(table(daily, name))


@given(logs)
@settings(max_examples=20)
def test_a_replay_changes_nothing(tmp_path_factory, log):
    root = tmp_path_factory.mktemp("replay")
    engine = DuckdbEngine(root)
    rows = as_rows(log)
    once = {name: table(mined(engine, root, rows), name) for name in ("turns", "pairs")}
    twice = mined(engine, root, rows + rows[:3])
    for name, found in once.items():
        assert table(twice, name).equals(found)


def test_both_engines_give_equal_rows(tmp_path, spark):
    rows = [
        turn(f"u{n % 3}", (n * 37) % 400 + (n % 2) * 57_500, f"words {n % 5}", turn_id=f"t{n:03}")
        | {
            "intent": "a" if n % 2 else None,
            "slots": {"x": n},
            "n_best": [{"intent": "b", "confidence": 0.5}],
        }
        for n in range(80)
    ]
    duckdb = mined(DuckdbEngine(tmp_path), tmp_path / "duckdb", rows)
    on_spark = mined(spark, tmp_path / "spark", rows)
    for name in ("turns", "pairs"):
        assert table(duckdb, name).height > 0
        assert table(duckdb, name).equals(table(on_spark, name))


events = st.lists(
    st.tuples(st.integers(0, 11), st.integers(1, 4), st.sampled_from([0.2, 0.5, 0.9])),
    max_size=14,
    unique_by=lambda e: (e[0], e[0] + e[1]),
)


@given(events)
def test_chains_end_where_the_slow_way_says(tmp_path_factory, steps):
    engine = DuckdbEngine(tmp_path_factory.mktemp("ends"))
    rows = [
        {
            "source_turn_id": f"{a:02}",
            "target_turn_id": f"{a + d:02}",
            "p_rephrase": p,
            "seconds": float(d),
        }
        for a, d, p in steps
    ]
    schema = {
        "source_turn_id": pl.String(),
        "target_turn_id": pl.String(),
        "p_rephrase": pl.Float64(),
        "seconds": pl.Float64(),
    }
    followed = engine.query("followed", {"rephrase_events": pl.DataFrame(rows, schema)})
    best = {s: (t, p) for s, t, p in followed.rows()}
    assert set(best) == {r["source_turn_id"] for r in rows}
    found = engine.query("ends", {"followed": followed})
    assert {r["turn_id"]: r["end_turn_id"] for r in found.to_dicts()} == slow_ends(best)


QUERIES = ["utterances", "moves", "speakers", "daily"]


@pytest.mark.parametrize("name", QUERIES)
def test_the_counts_are_equal_on_both_engines(tmp_path, duck, spark, name):
    rows = [
        turn(
            f"u{n % 4}",
            n * 9,
            f"words {n % 6}",
            turn_id=f"t{n:03}",
            confidence=0.25,
            intent=["a", "b", None][n % 3],
        )
        for n in range(60)
    ]
    lake = mined(duck, tmp_path, rows)
    pair = lake.read("pairs").with_columns(p_rephrase=pl.col("similarity"))
    followed = duck.query("followed", {"rephrase_events": pair})
    inputs = {
        "turns": lake.files("turns", lake.days("turns")),
        "followed": followed,
        "ends": duck.query("ends", {"followed": followed}),
    }
    found = [e.query(name, inputs, {"most_items": 5}) for e in (duck, spark)]
    keys = found[0].columns[:3]
    assert found[0].height > 0
    assert found[0].sort(keys).equals(found[1].select(found[0].columns).sort(keys))


def test_a_million_identical_rows_are_one_turn(tmp_path, duck):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "lamp on")])
    log.write_bytes(log.read_bytes() * 1_000_000)
    lake = Lake(tmp_path / "lake")
    out = lake.staging("door")
    turns.admit(duck, [log], CONFIG, out)
    admitted = turns.account(out, 0.05)
    turns.merge(duck, lake, admitted, GAP)
    assert (admitted.read, admitted.kept) == (1_000_000, 1_000_000)
    assert lake.read("turns").height == 1


def test_a_robot_makes_no_pairs_and_a_person_does(tmp_path, duck):
    robot = [turn("robot", n * 20, "lamp on", turn_id=f"r{n}") for n in range(40)]
    person = [turn("ann", n * 20, "lamp on", turn_id=f"p{n}") for n in range(3)]
    found = mined(duck, tmp_path, robot + person).read("pairs")
    assert set(found["source_turn_id"]) == {"p0", "p1"}


def test_the_start_of_the_logs_is_before_midnight():
    assert (START // 1000 + 57_570) % 86_400 > (START // 1000 + 57_610) % 86_400
