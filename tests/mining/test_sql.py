"""The SQL of mining: against the slow way, and the same on both engines, ties included."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs import START, turn, write_log
from mining.engines.duckdb_engine import DuckdbEngine
from mining.engines.engine import Engine
from mining.failures import defects
from mining.failures.hypothesis_features import KEY, SURE
from mining.ingest.rows import log_files
from mining.ingest.validation import DoorConfig
from mining.rephrases import pairs
from mining.sessions import bots, turns
from slow import ends as slow_ends
from slow import pairs as slow_pairs
from slow import sessions as slow_sessions
from warehouse.lake import Lake

CONFIG = DoorConfig(salt=b"s" * 32)
GAP = 60
WINDOW = 90
MINED = ("turns", "inactivity", "bots", "pairs")

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


def mined(engine: Engine, root: Path, rows: list[dict[str, Any]], gap: int | None = GAP) -> Lake:
    """A lake that took in the rows as one log."""
    root.mkdir(parents=True, exist_ok=True)
    lake = Lake(root / "lake")
    out = lake.staging("door")
    turns.admit(engine, log_files([str(write_log(root / "log.jsonl", rows))]), CONFIG, out)
    days = turns.merge(engine, lake, turns.account(out, 1.0), WINDOW, gap)
    bots.find(engine, lake, days)
    pairs.find(engine, lake, days)
    return lake


def test_a_lake_of_an_earlier_version_gains_the_columns_that_it_lacks(tmp_path, duck):
    lake = mined(
        duck,
        tmp_path,
        as_rows([{"user": "ann", "seconds": 0, "words": "no", "session": None, "locale": "de-DE"}]),
    )
    (day,), (file,) = lake.days("turns"), lake.files("turns", lake.days("turns"))
    before = lake.read("turns", [day])
    pl.read_parquet(file, hive_partitioning=False).drop("prompted_slot").write_parquet(file)
    assert lake.read("turns", [day]).equals(before)
    lake.complete("turns")
    (file,) = lake.files("turns", [day])
    assert "prompted_slot" in pl.read_parquet_schema(file)
    assert lake.read("turns", [day]).equals(before)
    before = lake.contents("turns", [day])
    lake.complete("turns")
    assert lake.contents("turns", [day]) == before


def table(lake: Lake, name: str) -> pl.DataFrame:
    found = lake.read(name)
    return found.sort([c for c in found.columns if not found[c].dtype.is_nested()])


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
    for name in MINED:
        assert table(whole, name).equals(table(daily, name))


@given(logs)
@settings(max_examples=20)
def test_a_replay_changes_nothing(tmp_path_factory, log):
    root = tmp_path_factory.mktemp("replay")
    engine = DuckdbEngine(root)
    rows = as_rows(log)
    once = {name: table(mined(engine, root, rows), name) for name in MINED}
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
            "response": "sorry" if n % 4 else None,
            "interrupted": n % 5 == 0,
            "channel": "voice" if n % 2 else None,
        }
        for n in range(80)
    ]
    rows += [turn("robot", n * 20, "lamp on", turn_id=f"r{n:03}") for n in range(40)]
    duckdb = mined(DuckdbEngine(tmp_path), tmp_path / "duckdb", rows)
    on_spark = mined(spark, tmp_path / "spark", rows)
    for name in MINED:
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
    followed = engine.query("best_rephrases", {"rephrase_events": pl.DataFrame(rows, schema)})
    best = {s: (t, p) for s, t, p in followed.rows()}
    assert set(best) == {r["source_turn_id"] for r in rows}
    found = engine.query("chain_ends", {"best_rephrases": followed})
    assert {r["turn_id"]: r["end_turn_id"] for r in found.to_dicts()} == slow_ends(best)


QUERIES = [
    "field_counts",
    "context",
    "hypothesis_stats",
    "transitions",
    "utterance_stats",
    "channels",
    "chains",
    "arms",
    "votes",
    "filled_slots",
    "released_utterances",
    "released_transitions",
    "contributed",
    "daily_intents",
    "confusions",
    "failing_utterances",
    "launched",
    "user_days",
    "unit_days",
    "unit_counts",
    "outcomes",
    "judged_turns",
    "heard_last",
    "heard_slots",
    "problem_people",
]


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
            slots={"x": n % 2} if n % 5 else None,
            n_best=[{"intent": i, "confidence": 0.25} for i in "abc"] if n % 4 else None,
            feedback=[None, 1, -1][n % 3],
            response=["sorry", "done", None][n % 3],
            executed_utterance=f"words {n % 2}" if n % 7 == 0 else None,
        )
        for n in range(60)
    ]
    rows += [turn("robot", n * 20, "words 1", turn_id=f"r{n:03}") for n in range(40)]
    lake = mined(duck, tmp_path, rows)
    days = lake.days("turns")
    likely = (pl.col("seconds").cast(pl.Int64) % 10 / 10).alias("p_rephrase")
    followed = duck.query(
        "best_rephrases", {"rephrase_events": lake.read("pairs").with_columns(likely)}
    )
    asked = lake.read("turns").select("locale", "utterance", intent=pl.lit("a")).unique()
    inputs = {
        "turns": lake.files("turns", days),
        "bots": lake.by_day("bots", days),
        "pairs": lake.files("pairs", days),
        "best_rephrases": followed,
        "answers": pl.DataFrame({"turn_id": [f"t{n:03}" for n in range(0, 60, 7)]}),
        "chain_ends": duck.query("chain_ends", {"best_rephrases": followed}),
        "asked": asked,
        "experiments": asked.select("locale", source="utterance"),
        "released": asked.select("locale", "utterance", shown=pl.col("utterance").str.head(7)),
        "meant": asked.select("locale", "utterance", label="intent"),
        "believed": asked.select("locale", "utterance", label="intent", probability=pl.lit(0.7)),
        "defects": lake.read("turns").select("turn_id", p_defect=pl.col("at_ms") % 7 / 7),
        "grouped": asked.select(
            *("locale", "utterance"),
            kind=pl.lit("term"),
            unit=pl.col("utterance").str.tail(1).cast(pl.Int64),
            intent=pl.lit("a"),
            problem_id=pl.col("utterance").str.tail(1),
        ),
    }
    params = {"most_items": 5, "intents": 1, "most": 3, "k": 3, "since": START, "sure": 20_000}
    params |= {"slots": 1, "now_7": START, "now_3": START + 200_000, "until": START + 300_000}
    params |= {"before_7": START + 9_000, "before_3": START + 100_000}
    found = [e.query(name, inputs, params) for e in (duck, spark)]
    keys = [c for c in found[0].columns if not found[0][c].dtype.is_nested()]
    assert found[0].height > 0
    assert found[0].sort(keys).equals(found[1].select(found[0].columns).sort(keys))


def test_what_judged_turns_tell_is_what_is_counted_one_by_one(tmp_path, duck):
    rows = [
        turn(f"u{n % 5}", n * 9, f"words {n % 3}", turn_id=f"t{n:03}", intent=["a", "b"][n % 2])
        for n in range(60)
    ]
    lake = mined(duck, tmp_path, rows)
    days = lake.days("turns")
    turns = lake.read("turns").sort("turn_id")
    p = pl.Series((np.arange(turns.height) * 37 % 101 / 100).round(6))
    again = pl.Series((np.arange(turns.height) * 17 % 11 / 10).round(6))
    judged = turns.select(
        "locale", "utterance", "user_id", intent="best_intent", rewritten=pl.lit(value=False)
    ).with_columns(p_defect=p, again=again)
    followed = turns.select(source_turn_id="turn_id", target_turn_id="turn_id").with_columns(
        p_rephrase=again
    )
    found = duck.query(
        "judged_turns",
        bots.people(lake, days)
        | {"defects": turns.select("turn_id", p_defect=p), "best_rephrases": followed},
        {"sure": round(SURE * 1_000_000)},
    ).sort("utterance", "intent")
    told = defects.told(judged).sort("utterance", "intent")
    assert found.select(KEY).equals(told.select(KEY))
    for name in told.columns[3:]:
        assert np.allclose(found[name], told[name], atol=1e-5), name


def test_each_item_is_worked_on_by_both_engines(tmp_path, duck, spark):
    for engine in (duck, spark):
        places = [tmp_path / f"{engine.name}-{n}" for n in range(5)]
        engine.each(Path.touch, places)
        engine.each(Path.touch, [])
        assert all(place.is_file() for place in places)


def test_a_million_identical_rows_are_one_turn(tmp_path, duck):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "lamp on")])
    log.write_bytes(log.read_bytes() * 1_000_000)
    lake = Lake(tmp_path / "lake")
    out = lake.staging("door")
    turns.admit(duck, [log], CONFIG, out)
    admitted = turns.account(out, 0.05)
    turns.merge(duck, lake, admitted, WINDOW, GAP)
    assert (admitted.read, admitted.kept) == (1_000_000, 1_000_000)
    assert lake.read("turns").height == 1


robots = {
    "repetition": [("robot", n * 20, "lamp on") for n in range(40)],
    "periodicity": [("robot", n * 3_600, "lamp on") for n in range(6)],
    "burst": [("robot", n * 0.5, f"words {n}") for n in range(20)],
    "rate": [("robot", n * 10, f"words {n}") for n in range(501)],
}


@pytest.mark.parametrize("reason", robots)
def test_a_robot_makes_no_pairs_and_a_person_does(tmp_path, duck, reason):
    robot = [turn(u, s, w, turn_id=f"r{n}") for n, (u, s, w) in enumerate(robots[reason])]
    person = [turn("ann", n * 20, "lamp on", turn_id=f"p{n}") for n in range(3)]
    lake = mined(duck, tmp_path, robot + person)
    aside = lake.read("bots")
    assert aside["reason"].unique().to_list() == [reason]
    assert aside["turns"].sum() == len(robot)
    assert set(lake.read("pairs")["source_turn_id"]) == {"p0", "p1"}


def test_a_busy_day_is_no_robot(tmp_path, duck):
    """Ten times the same wish, at the times of a person, among others."""
    moments = [0, 40, 700, 3_000, 3_050, 9_000, 9_100, 20_000, 31_000, 31_020]
    rows = [turn("ann", s, "next song", turn_id=f"t{n}") for n, s in enumerate(moments)]
    assert mined(duck, tmp_path, rows).read("bots").is_empty()


def chatter(days: int, pause: float) -> list[dict[str, Any]]:
    """People who take `pause` seconds between turns, and hours between visits."""
    rng = np.random.default_rng(0)
    rows, number = [], 0
    for day in range(days):
        for user in range(12):
            at = day * 86_400 + float(rng.uniform(0, 9_000))
            for _ in range(3):
                for _ in range(4):
                    rows.append(turn(f"u{user}", round(at, 3), "tell me", turn_id=f"t{number:05}"))
                    at += float(rng.lognormal(np.log(pause), 0.4))
                    number += 1
                at += float(rng.uniform(6_000, 14_000))
    return rows


@pytest.mark.parametrize(("pause", "gap"), [(5, (20, 200)), (60, (150, 1_200))])
def test_the_gap_is_learned_from_the_silences(tmp_path, duck, pause, gap):
    lake = mined(duck, tmp_path, chatter(3, pause), gap=None)
    learned = lake.newest("session_timeouts").row(0, named=True)
    assert learned["learned"] == "own"
    assert gap[0] <= learned["gap_ms"] / 1000 <= gap[1]
    assert lake.read("turns")["session_id"].n_unique() == 3 * 12 * 3
    assert learned["ended"] == 3 * 12 * 2 + 2 * 12  # within the days, and from one to the next


def test_a_gap_learned_later_fills_the_earlier_sessions_anew(tmp_path, duck):
    """The first night is too short to learn from; in the end every night has the sessions of one run."""
    rows = chatter(4, 60)
    whole = mined(duck, tmp_path / "whole", rows, gap=None)
    for night in sorted({r["timestamp"][:10] for r in rows}):
        of_night = [r for r in rows if r["timestamp"].startswith(night)]
        daily = mined(duck, tmp_path / "daily", of_night, gap=None)
    first = daily.read("session_timeouts", [daily.days("session_timeouts")[0]])
    assert first["learned"].to_list() == ["default"]
    assert first["gap_ms"].to_list() != daily.newest("session_timeouts")["gap_ms"].to_list()
    for name in MINED:
        assert table(whole, name).equals(table(daily, name))


def test_the_start_of_the_logs_is_before_midnight():
    assert (START // 1000 + 57_570) % 86_400 > (START // 1000 + 57_610) % 86_400
