"""Retraining as a whole, on a home with seed data alone."""

import json

import pytest
from test_gate import LAMPS, SEED

from flows import seed
from flows.retraining import Retraining, retrain
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
