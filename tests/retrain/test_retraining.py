"""Retraining as a whole, on a home with seed data alone."""

import io
import json
import subprocess
import sys

import pytest
from test_gate import LAMPS, SEED

from flows import seed
from flows.retraining import Retraining, retrain
from flows.serving import answers
from flows.settings import Settings
from retrain.registry import store
from warehouse.errors import BadInput
from warehouse.home import Home, create


def call(step, *args):
    return step(*args)


@pytest.fixture
def home(tmp_path) -> Home:
    home = create(tmp_path / "home")
    seed.keep(home, SEED)
    return home


def test_a_retraining_that_was_killed_before_promotion_ends_the_same(home, monkeypatch):
    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            retrain(Retraining(home, Settings(), None), call)
    assert store.champion(home) is None
    (trained,) = [p.parent.name for p in home.models.glob("[!.]*/model.json")]
    told = retrain(Retraining(home, Settings(), None), call)
    assert told["champion"] == store.champion(home) == trained
    assert told["because"][0].startswith("no training set yet")


def test_what_is_promised_is_still_taught(home, tmp_path):
    promises = tmp_path / "promises.jsonl"
    rows = SEED.head(3).to_dicts()
    promises.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = retrain(Retraining(home, Settings(), promises), call)
    model = store.fetch(home, told["champion"])
    assert model.best(LAMPS[:3]) == ["lamp"] * 3


def test_one_intent_is_too_few(home):
    seed.keep(home, SEED.head(5))
    with pytest.raises(BadInput, match="two intents"):
        retrain(Retraining(home, Settings(), None), call)


def test_slots_of_the_seed_data_are_learned_judged_and_answered(tmp_path):
    home, place = create(tmp_path / "home"), tmp_path / "seed.jsonl"
    rooms = ["kitchen", "hall", "attic", "cellar", "study", "porch", "garage", "bedroom"]
    rows = [
        {"utterance": f"{verb} the lamp in the {room}", "intent": "lamp", "slots": {"room": room}}
        for room in rooms
        for verb in ("switch on", "light up")
    ]
    rows += [{"utterance": u, "intent": "music"} for u in ("stop it", "stop the song", "silence")]
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    seed.keep(home, seed.read(place))
    told = retrain(Retraining(home, Settings(), None), call)
    asked = io.BytesIO(b"light up the lamp in the bathroom\nsilence\n")
    lamp, silence = map(json.loads, answers(home.root, asked, 1))
    (slot,) = lamp["slots"]
    assert (slot["name"], slot["value"], slot["start"], slot["end"]) == ("room", "bathroom", 25, 33)
    assert 0.5 < slot["probability"] <= 1
    assert silence["slots"] == []
    figures = store.table(home, told["champion"], "evaluation").row(0, named=True)
    assert figures["exact_cases"] == len(rooms) * 2
    assert figures["challenger_exact"] > 0.8
    assert figures["champion_exact"] is None


def test_a_model_of_before_there_were_taggers_has_no_slots_and_loses_none(home):
    told = retrain(Retraining(home, Settings(), None), call)
    about = home.models / told["champion"] / "model.json"
    facts = json.loads(about.read_text()) | {"format": 5}
    del facts["slots"]
    about.write_text(json.dumps(facts))
    model = store.fetch(home, told["champion"])
    assert model.slots(["lamp on"], ["lamp"]) == [[]]
    assert store.unseen_slots(home, told["champion"]).get("lamp on", []) == []


SOLVES = """
import sys
import numpy as np
from scipy.sparse import csr_matrix
from retrain.training.solver import Capacity, solved
eye = np.eye(2)
found = solved(csr_matrix(eye), np.zeros((2, 0), np.float32), eye, np.ones(2), Capacity())
assert found[0, 0] > 0 > found[0, 1]
assert "torch._dynamo" not in sys.modules
"""


def test_a_model_is_taught_without_loading_a_compiler():
    subprocess.run([sys.executable, "-c", SOLVES], check=True)
