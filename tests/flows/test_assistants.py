"""Several assistants in one home: what one is told, the other never learns."""

import json
from pathlib import Path

import pytest
from test_retraining import call

from flows import runs
from flows.settings import Settings, place
from logs import turn, write_log
from warehouse.errors import BadInput
from warehouse.home import existing
from warehouse.lake import Lake

KITCHEN, CAR = (Settings.model_validate({"assistant": name}) for name in ("kitchen", "car"))


@pytest.fixture
def log(tmp_path) -> Path:
    """Turns of two assistants, and one of nobody's in particular."""
    rows = [
        turn(f"u{n}", 60 * n, f"{words} {n}", turn_id=f"{name}{n}", intent=name)
        | {"assistant": name}
        for name, words in (("kitchen", "boil it"), ("car", "drive home"))
        for n in range(12)
    ]
    return write_log(tmp_path / "log.jsonl", [*rows, turn("u1", 900, "hello", turn_id="any")])


@pytest.fixture
def home(tmp_path, log) -> Path:
    for settings in (KITCHEN, CAR):
        runs.run_night(runs.Request([str(log)], tmp_path / "home"), settings, call)
    return tmp_path / "home"


def test_no_evidence_crosses(home):
    said = {}
    for settings in (KITCHEN, CAR):
        turns = Lake(place(home, settings) / "lake").read("turns")
        said[settings.assistant] = set(turns["turn_id"])
    assert said["kitchen"] == {f"kitchen{n}" for n in range(12)} | {"any"}
    assert said["car"] == {f"car{n}" for n in range(12)} | {"any"}
    users = [set(Lake(place(home, s) / "lake").read("turns")["user_id"]) for s in (KITCHEN, CAR)]
    assert users[0].isdisjoint(users[1])  # each has its own salt


def test_what_is_of_another_is_counted_and_not_broken(home):
    lake = Lake(place(home, CAR) / "lake")
    counts = dict(lake.newest("withheld").select("reason", "rows").iter_rows())
    assert counts["assistant names another assistant"] == 12
    row = lake.newest("runs").row(0, named=True)
    assert (row["read"], row["kept"], row["set_aside"]) == (25, 13, 12)


def test_a_home_of_several_says_whose_it_holds(home):
    with pytest.raises(BadInput, match="holds the homes of car, kitchen; name one"):
        existing(home)
    assert place(place(home, CAR), CAR) == home / "assistants" / "car"


def test_a_file_that_is_broken_beside_is_named_by_its_own_row(tmp_path):
    rows = [turn("u", n, "x", turn_id=f"t{n}") | {"assistant": "car"} for n in range(5)]
    log = write_log(tmp_path / "log.jsonl", rows)
    log.write_text(log.read_text() + json.dumps({"user_id": "u"}) + "\n")
    with pytest.raises(BadInput, match=r"row 6, field timestamp: is missing"):
        runs.run_night(runs.Request([str(log)], tmp_path / "home"), KITCHEN, call)


def test_broken_rows_are_a_share_of_its_own(tmp_path):
    theirs = [turn("u", n, "x", turn_id=f"c{n}") | {"assistant": "car"} for n in range(96)]
    broken = [turn("u", n, "a\0b", turn_id=f"k{n}") | {"assistant": "kitchen"} for n in range(4)]
    log = write_log(tmp_path / "log.jsonl", [*theirs, *broken])
    with pytest.raises(BadInput, match="4 of 4 rows are broken"):
        runs.run_night(runs.Request([str(log)], tmp_path / "home"), KITCHEN, call)


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match="pattern"):
        Settings.model_validate({"assistant": name})
