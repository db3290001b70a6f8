"""A name that the log gives to whatever nobody understood is no intent; a name of an intent stays one."""

import gzip
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import runs
from flows.pipeline import directly
from flows.settings import Settings
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from logs import turn, write_log
from mining.ingest.broad_intents import shown, without
from mining.ingest.validation import DoorConfig, admit_file
from warehouse.home import create, existing, read_training_set
from warehouse.lake import Lake
from warehouse.tables import Turns

SALT = b"s" * 32
UNHEARD = "smalltalk_misc"  # a name that says nothing


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    """An invented log in which what was not understood has a name, and its seed data."""
    out = tmp_path_factory.mktemp("renamed")
    simulate(out, None, 5, Habits(80, 4, 2_500, "2026-01-05", 6, 0.1, 0, 0.0), ["en-GB"])
    rows = [json.loads(line) for line in gzip.decompress((out / "log.jsonl.gz").read_bytes()).splitlines()]  # fmt: skip
    named = [r if r.get("intent") else r | {"intent": UNHEARD, "confidence": 0.4} for r in rows]
    assert 50 < sum(r["intent"] == UNHEARD for r in named) < len(named) / 2
    return write_log(out / "log.jsonl", named), out / "seed.jsonl.gz"


def test_what_nobody_understood_is_no_intent(tmp_path, renamed):
    log, seed = renamed
    home = tmp_path / "home"
    outcome = runs.run_night(runs.Request([str(log)], home, seed_data=seed), Settings(), directly)
    assert outcome.intake["fallbacks"] == [UNHEARD]
    assert any(UNHEARD in line for line in outcome.noticed)
    turns = Lake(home / "lake").read("turns")
    assert UNHEARD not in turns["intent"].drop_nulls().to_list()
    examples = read_training_set(existing(home), outcome.training_set)
    assert examples.height > 50
    assert UNHEARD not in examples["labels"].explode().to_list()


def test_a_name_that_the_seed_data_has_is_an_intent(tmp_path, renamed):
    log, seed = renamed
    lines = gzip.decompress(seed.read_bytes()).decode()
    known = tmp_path / "seed.jsonl"
    known.write_text(lines + json.dumps({"locale": "en-GB", "utterance": "so what", "intent": UNHEARD}) + "\n")  # fmt: skip
    request = runs.Request([str(log)], tmp_path / "home", seed_data=known)
    assert runs.run_night(request, Settings(), directly).intake["fallbacks"] == []


def test_intents_of_a_world_are_intents(renamed):
    turns = pl.concat(list(admit_file(renamed[0], DoorConfig(SALT))))
    assert shown(turns)["intent"].to_list() == [UNHEARD]
    assert shown(turns.filter(pl.col("intent") != UNHEARD)).is_empty()


hypotheses = st.lists(
    st.fixed_dictionaries(
        {
            "intent": st.sampled_from(["a", "b", "x"]),
            "confidence": st.sampled_from([None, 0.2, 0.9]),
        }
    ),
    max_size=3,
)
heard = st.fixed_dictionaries(
    {
        "intent": st.sampled_from([None, "a", "x"]),
        "confidence": st.sampled_from([None, 0.5]),
        "n_best": st.one_of(st.none(), hypotheses),
        "slots": st.sampled_from([None, {"room": "hall"}]),
    }
)


@given(st.lists(heard, min_size=1, max_size=6))
def test_turns_without_a_name_are_as_if_the_door_had_known_it(tmp_path_factory, rows):
    log = write_log(tmp_path_factory.getbasetemp() / "heard.jsonl", [turn("ann", n, "hm", **row) for n, row in enumerate(rows)])  # fmt: skip
    plain, told = (
        pl.concat(list(admit_file(log, DoorConfig(SALT, fallbacks=names)))).select(Turns.column_names())
        for names in (frozenset(), frozenset({"x"}))
    )  # fmt: skip
    assert without(plain, {"x"}).equals(told)


@pytest.mark.long
@pytest.mark.parametrize("where", ["broad_intents.without", "pairs.find"])
def test_a_night_killed_while_a_name_is_taken_out_ends_as_if_it_was_not(
    tmp_path, renamed, monkeypatch, where
):
    """The first day came before the name was known for what it is."""
    log, seed = renamed
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    first = [r for r in rows if r["timestamp"] < "2026-01-06"]
    parts = [write_log(tmp_path / "first.jsonl", first[: len(first) // 9]), log]

    def night(home, part):
        runs.run_night(runs.Request([str(part)], home, seed_data=seed), Settings(), directly)

    homes = [tmp_path / "whole", tmp_path / "killed"]
    for home in homes:
        create(home)
        (home / "salt").write_bytes(SALT)
        night(home, parts[0])
        assert Lake(home / "lake").newest("fallback_intents").is_empty()
    night(homes[0], parts[1])
    calls = []

    def dies(*args):
        calls.append(args)
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(f"flows.steps.intake.{where}", dies)
        with pytest.raises(KeyboardInterrupt):
            night(homes[1], parts[1])
    assert calls
    night(homes[1], parts[1])
    whole, again = (Lake(home / "lake") for home in homes)
    keys = {
        "turns": ["turn_id"],
        "pairs": ["source_turn_id", "target_turn_id"],
        "fallback_intents": ["intent"],
    }
    keys |= {"soft_labels": ["locale", "utterance", "label"]}
    for table, key in keys.items():
        assert again.newest(table).sort(key).equals(whole.newest(table).sort(key)), table
    for table in ("turns", "pairs"):
        assert again.read(table).sort(keys[table]).equals(whole.read(table).sort(keys[table])), (
            table
        )
    assert UNHEARD not in again.read("turns")["intent"].drop_nulls().to_list()
    assert UNHEARD not in again.read("pairs")["source_intent"].drop_nulls().to_list()
