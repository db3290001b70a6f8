"""The trainer, the gate, the trigger, and model folders that were touched."""

import json

import numpy as np
import polars as pl
import pytest

from retrain import store
from retrain.gate import GateConfig, compare, kept_aside
from retrain.model import load, save
from retrain.trainer import lesson, train
from retrain.trigger import TriggerConfig, decide
from warehouse.errors import BadInput
from warehouse.home import Home

LAMPS = [f"{w} lamp {n}" for w in ("switch on", "light the") for n in range(6)]
MUSIC = [f"{w} song {n}" for w in ("stop", "skip the") for n in range(6)]
SEED = pl.DataFrame(
    {"locale": "en", "utterance": LAMPS + MUSIC, "intent": ["lamp"] * 12 + ["music"] * 12}
)


def model_of(seed: pl.DataFrame):
    return train(lesson(seed, None))


def test_a_model_learns_and_is_reproducible():
    one, two = model_of(SEED), model_of(SEED)
    assert one.best(["switch on lamp 99", "stop song 99"]) == ["lamp", "music"]
    assert np.array_equal(one.weights, two.weights)
    assert np.allclose(one.probabilities(LAMPS).sum(axis=1), 1)


def test_soft_labels_teach_with_their_weight():
    examples = pl.DataFrame(
        {
            "utterance": ["hush everything", "hush it all"],
            "labels": [["music", "lamp"], ["music", "lamp"]],
            "probabilities": [[0.9, 0.1], [0.8, 0.2]],
            "weight": [0.8, 0.6],
        }
    )
    taught = train(lesson(SEED, examples))
    assert taught.best(["hush now"]) == ["music"]


def test_a_saved_model_predicts_the_same(tmp_path):
    model = model_of(SEED)
    save(model, tmp_path, {})
    assert np.array_equal(load(tmp_path).probabilities(LAMPS), model.probabilities(LAMPS))


@pytest.mark.parametrize("harm", ["truncated", "changed", "newer", "gone", "pickled"])
def test_a_model_folder_that_was_touched_is_refused(tmp_path, harm):
    save(model_of(SEED), tmp_path, {})
    weights, facts = tmp_path / "weights.npz", tmp_path / "model.json"
    match harm:
        case "truncated":
            weights.write_bytes(weights.read_bytes()[:100])
        case "changed":
            weights.write_bytes(weights.read_bytes()[:-1] + b"x")
        case "newer":
            facts.write_text(json.dumps(json.loads(facts.read_text()) | {"format": 99}))
        case "gone":
            facts.unlink()
        case "pickled":
            np.savez(weights, features=np.array([{}], dtype=object))
    with pytest.raises(BadInput):
        load(tmp_path)


def cases(rows: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [("en", *row) for row in rows], ["locale", "utterance", "intent"], orient="row"
    )


GOOD = model_of(SEED)
BAD = model_of(SEED.with_columns(intent=pl.Series(["music"] * 12 + ["lamp"] * 12)))
HELD = cases(
    [(f"switch on lamp {n}", "lamp") for n in range(50, 55)]
    + [(f"stop song {n}", "music") for n in range(50, 55)]
)


def test_the_gate_promotes_the_better_and_refuses_the_worse():
    config = GateConfig(most_flips=0.05)
    better = compare(BAD, GOOD, HELD, HELD.clear(), config)
    assert better.promote
    worse = compare(GOOD, BAD, HELD, HELD.clear(), config)
    assert not worse.promote
    assert "not better" in worse.because[0]
    assert worse.flipped.height == HELD.height


def test_a_gain_that_could_be_chance_is_refused():
    verdict = compare(BAD, GOOD, HELD.head(2), HELD.clear(), GateConfig())
    assert not verdict.promote
    assert "could be chance: mends 2 cases, breaks 0" in verdict.because[0]


def test_a_broken_promise_refuses_a_better_model():
    promise = cases([("switch on lamp 3", "music")])
    verdict = compare(BAD, GOOD, HELD, promise, GateConfig())
    assert not verdict.promote
    assert "promises" in verdict.because[0]


def test_the_first_model_serves():
    verdict = compare(None, GOOD, HELD, HELD.clear(), GateConfig())
    assert verdict.promote
    assert verdict.because[0].startswith("the first model")


def test_without_cases_nothing_is_promoted():
    verdict = compare(BAD, GOOD, HELD.clear(), HELD.clear(), GateConfig())
    assert not verdict.promote


def test_the_same_rows_are_kept_aside_whatever_else_there_is():
    whole = kept_aside(SEED)
    assert kept_aside(SEED.reverse()).reverse().equals(whole)
    many = pl.DataFrame({"locale": "en", "utterance": [f"w{n}" for n in range(2000)]})
    assert 0.15 < kept_aside(many).mean() < 0.25


def test_the_trigger_says_why():
    config = TriggerConfig(fewest_examples=10, fewest_fresh=5)
    assert decide(20, 7, config).retrain
    against = decide(8, 2, config)
    assert not against.retrain
    assert len(against.because) == 2


def test_promotion_is_one_pointer(tmp_path):
    home = Home(tmp_path)
    home.models.mkdir()
    assert store.champion(home) is None
    store.promote(home, "a")
    store.promote(home, "b")
    assert store.champion(home) == "b"
    assert [p.name for p in home.models.iterdir()] == ["champion"]
