"""What a person holds, approves, rejects and rolls back."""

import pytest
from test_gate import SEED

from retrain.registry import overrides, store
from retrain.training.data import training_data
from retrain.training.model import Model
from retrain.training.trainer import train
from warehouse.errors import BadInput
from warehouse.home import Home, create

pytestmark = pytest.mark.quick

WORDS = ["switch on lamp 3", "stop song 3", "what"]


@pytest.fixture
def home(tmp_path) -> Home:
    """Three models, each trained after the one before; the last one waits."""
    home = create(tmp_path / "home")
    models = [train(training_data(SEED.tail(n))) for n in (24, 18, 15)]
    before = None
    for number, model in enumerate(models, 1):
        keep(home, f"2026-01-0{number}-000{number}-a", model, before, f"set-{number}")
        before = f"2026-01-0{number}-000{number}-a"
    store.promote(home, "2026-01-01-0001-a")
    store.promote(home, "2026-01-02-0002-a")
    return home


def keep(home: Home, version: str, model: Model, before: str | None, training_set: str) -> None:
    about = {"before": before, "training_set": training_set}
    store.keep(home, version, model, about, "", {})


def served(home: Home) -> bytes:
    serving = store.champion(home)
    assert serving
    return store.fetch(home, serving).probabilities(WORDS).tobytes()


def test_a_hold_stops_until_it_is_released(home):
    overrides.hold(home, "release day")
    assert overrides.read(home).against("set-3") == "held by a person: release day"
    overrides.release(home)
    assert overrides.read(home).against("set-3") is None


def test_approval_lets_the_last_model_serve_that_was_not_rejected(home):
    assert overrides.approve(home, None) == "2026-01-03-0003-a"
    overrides.reject(home, "2026-01-03-0003-a", "odd")
    assert overrides.approve(home, None) == "2026-01-02-0002-a"


def test_approval_by_name_forgives(home):
    overrides.reject(home, "2026-01-03-0003-a", "odd")
    assert overrides.approve(home, "2026-01-03-0003-a") == store.champion(home)
    assert overrides.read(home).against("set-3") is None


def test_a_rollback_restores_the_bytes_of_the_old_predictions(home):
    then = served(home)
    overrides.approve(home, "2026-01-03-0003-a")
    assert served(home) != then
    assert overrides.rollback(home) == "2026-01-02-0002-a"
    assert served(home) == then


def test_what_was_rejected_does_not_come_back(home):
    overrides.rollback(home)
    assert store.champion(home) == "2026-01-01-0001-a"
    assert "rolled back" in str(overrides.read(home).against("set-2"))
    overrides.approve(home, "2026-01-03-0003-a")
    assert overrides.rollback(home) == "2026-01-01-0001-a"  # not the second, which was rejected


def test_a_training_set_can_be_rejected_and_what_it_taught_with_it(home):
    for name in ("set-2", "set-9"):
        (home.training_sets / name).mkdir(parents=True)
    assert overrides.reject(home, "set-9", "a bad day") == "2026-01-02-0002-a"
    assert "a bad day" in str(overrides.read(home).against("set-9"))
    assert overrides.reject(home, "set-2", "robots") == "2026-01-01-0001-a"


def test_a_rollback_goes_to_what_served_last(home):
    overrides.approve(home, "2026-01-03-0003-a")
    overrides.approve(home, "2026-01-01-0001-a")
    assert overrides.rollback(home) == "2026-01-03-0003-a"


def test_the_first_model_cannot_be_rolled_back(home):
    overrides.rollback(home)
    with pytest.raises(BadInput, match="no other model served before it"):
        overrides.rollback(home)
    assert store.champion(home) == "2026-01-01-0001-a"


@pytest.mark.parametrize("call", [overrides.approve, lambda h, v: overrides.reject(h, v, "")])
def test_an_unknown_version_is_bad_input(home, call):
    with pytest.raises(BadInput, match="is no model"):
        call(home, "2026-01-09-0009-a")


def test_a_damaged_brake_says_so(home):
    (home.root / "brake.json").write_text("[]")
    with pytest.raises(BadInput, match="damaged"):
        overrides.read(home)
