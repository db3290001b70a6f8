"""Slots of a night: which values are new, and how they may be shown."""

import duckdb
import polars as pl
import pytest
from test_retraining import call

from flows import runs, settings
from flows.explaining import questions
from logs import turn, write_log
from warehouse.lake import Lake

SAID = {"jazz": 6, "Ann Field": 6, "fado": 6, "blip": 1}  # by how many users


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A night in which users ask for music; the seed data knows of jazz."""
    folder = tmp_path_factory.mktemp("slots")
    rows = [
        turn(
            f"{value}{n}",
            900 * n + 9 * at,
            f"play {value}",
            intent="play",
            slots={"artist" if value != "Ann Field" else "person_name": value},
            outcome="success",
        )
        for at, (value, users) in enumerate(SAID.items())
        for n in range(users)
    ]
    known = write_log(
        folder / "seed.jsonl",
        [
            {
                "locale": "en-GB",
                "utterance": "play jazz",
                "intent": "play",
                "slots": {"artist": "Jazz"},
            },
            {"locale": "en-GB", "utterance": "stop", "intent": "stop", "slots": {}},
        ],
    )
    log = write_log(folder / "log.jsonl", rows)
    request = runs.Request([str(log)], folder / "home", engine="duckdb", seed_data=known)
    runs.run_night(request, settings.Settings(), call)
    return folder / "home"


def test_values_that_the_seed_data_lacks_and_users_enough_said_are_candidates(home):
    values = Lake(home / "lake").newest("slot_values")
    assert dict(values.select("value", "candidate").iter_rows()) == {
        "jazz": False,
        "Ann Field": True,
        "fado": True,
        "blip": False,
    }
    assert values.filter("known")["value"].to_list() == ["jazz"]


def test_readers_see_values_of_k_users_without_names(home):
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        rows = con.sql(
            "select slot, value, users, candidate from slot_values order by all"
        ).fetchall()
        slots = con.sql("select slot, heard, failed is not null from slots order by all").fetchall()
    assert rows == [
        ("artist", "fado", 5, True),
        ("artist", "jazz", 5, False),
        ("person_name", "<name>", 5, True),
    ]
    assert slots == [("artist", 15, True), ("person_name", 5, True)]


def test_what_is_believed_of_slots_goes_into_the_training_set_and_is_explained(home):
    held = Lake(home / "lake").newest("projected_slots")
    (slot,) = held.filter(pl.col("utterance") == "play fado")["slots"].to_list()[0]
    assert (slot["name"], slot["value"], slot["start"], slot["end"]) == ("artist", "fado", 5, 9)
    asked = questions.Question("play fado", None, None, None, None)
    found, lines = questions.answered(home, settings.Settings(), asked)
    assert found["slots"]["heard"] == [{"name": "artist", "value": "fado", "users": 6}]
    assert any("artist = 'fado', characters 5 to 9" in line for line in lines)
    assert "  heard in it: artist = 'fado' (6 users)" in lines


def test_without_slots_in_the_seed_data_nothing_is_new(home, tmp_path):
    log = home.parent / "log.jsonl"
    request = runs.Request([str(log)], tmp_path / "home", engine="duckdb")
    runs.run_night(request, settings.Settings(), call)
    values = Lake(tmp_path / "home" / "lake").newest("slot_values")
    assert values.height == len(SAID)
    assert not values["candidate"].any()
