"""The small model, which is taught by the answers of the large one."""

import numpy as np
import polars as pl
import pytest

from flows import runs
from flows.pipeline import directly
from flows.settings import Settings
from logs import turn, write_log
from retrain.registry import store
from retrain.training import distillation
from retrain.training.data import training_data
from retrain.training.distillation import Student
from retrain.training.model import Helpers
from retrain.training.trainer import Reference
from warehouse.encoders.centres import CentredEncoder
from warehouse.encoders.encoder import unit
from warehouse.home import Home

pytestmark = pytest.mark.quick

LAMPS = [f"{w} lamp {n}" for w in ("switch on", "light the") for n in range(6)]
MUSIC = [f"{w} song {n}" for w in ("stop", "skip the") for n in range(6)]
SEED = pl.DataFrame(
    {"locale": "en", "utterance": LAMPS + MUSIC, "intent": ["lamp"] * 12 + ["music"] * 12}
)
SAID = [f"{w} {n}" for w in ("gloam by glim", "hum by hymn") for n in range(20)]


class Knowing:
    """An encoder that knows what words mean of which no label was ever seen."""

    version, size = "knowing", 2**30

    def embed(self, wordings: list[str]) -> np.ndarray:
        light = [any(w in u for w in ("lamp", "glim", "gloam")) for u in wordings]
        return unit(np.array([[1.0, 0.0] if yes else [0.0, 1.0] for yes in light]).reshape(-1, 2))


TEACHER = Reference(CentredEncoder(Knowing()))
HEARD = pl.DataFrame({"locale": "en", "utterance": SAID})


def test_the_student_knows_what_nobody_labelled_and_needs_no_encoder():
    model, scores = Student(TEACHER, HEARD).cross_fit(training_data(SEED), SEED)
    truth = ["lamp"] * 20 + ["music"] * 20
    assert model.encoder is None
    assert model.best(SAID) == truth
    assert model.mib < 20
    right = np.array(model.labels)[scores.argmax(axis=1)] == SEED["intent"].to_numpy()
    assert right.mean() > 0.9
    alone, _ = Reference(None).cross_fit(training_data(SEED), SEED)
    assert np.mean(np.array(alone.best(SAID)) == truth) < 0.8, "by their letters"


def test_a_case_is_scored_by_students_whose_teachers_never_saw_it():
    """A case whose label contradicts all others cannot be learned by heart, also not as something that was said."""
    odd = SEED.with_columns(
        intent=pl.when(pl.col("utterance") == LAMPS[0]).then(pl.lit("music")).otherwise("intent")
    )
    said = pl.concat([HEARD, pl.DataFrame({"locale": "en", "utterance": [LAMPS[0].upper()]})])
    model, scores = Student(TEACHER, said).cross_fit(training_data(odd), odd)
    assert model.labels[scores[0].argmax()] == "lamp"


def test_its_n_grams_fit_into_what_a_phone_can_hold(monkeypatch):
    monkeypatch.setattr(distillation, "MIB", 0.001)
    model, _ = Student(TEACHER, HEARD).cross_fit(training_data(SEED), SEED)
    assert 0 < model.mib * 3 <= 0.0015
    assert model.best([LAMPS[0], MUSIC[0]]) == ["lamp", "music"]


def test_a_small_model_does_not_hold_answers_that_need_an_encoder():
    small, _ = Student(TEACHER, HEARD).cross_fit(training_data(SEED), SEED)
    large, _ = TEACHER.cross_fit(training_data(SEED), SEED)
    assert not small.may_hold(large)
    assert not small.may_hold(small.after(large, 1.0))
    assert small.may_hold(small)
    assert large.may_hold(small)
    assert large.may_hold(large)


def test_what_serves_is_small_where_the_settings_say_so(tmp_path):
    rows = [
        turn(f"user {n} {w}", 400 * n, w, intent=i, outcome="success")
        for w, i in zip([*LAMPS[:4], *SAID], ["lamp"] * 24 + ["music"] * 20, strict=True)
        for n in range(3)
    ]
    log = write_log(tmp_path / "log.jsonl", rows)
    seed = write_log(tmp_path / "seed.jsonl", SEED.to_dicts())
    settings = Settings.model_validate({"trainer": {"small": True}})
    runs.run_night(runs.Request([str(log)], tmp_path / "home", seed_data=seed), settings, directly)
    told = runs.run_retraining(tmp_path / "home", settings, None, None, directly)
    home = Home(tmp_path / "home")
    model = store.fetch(home, told["challenger"], Helpers())
    assert model.encoder is None
    assert model.best(["gloam by glim 3"]) == ["lamp"]
    assert (home.root / "encoders").exists(), (
        "which the log taught, and the teacher was taught with"
    )
