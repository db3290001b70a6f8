"""What a large language model is asked, and what its answer means."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation import voter

pytestmark = pytest.mark.quick

LABELS = ["alarm", "alarm_off", "play.music", "Weather"]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("alarm", "alarm"),
        (' "Alarm_Off".\n', "alarm_off"),
        ("**weather**", "Weather"),
        ("The intent is play.music.", None),
        ("That is not alarm_off.", None),
        ("<think>alarm_off? no.</think>\nalarm", "alarm"),
        ("<think>\nOkay, the user may mean alarm, but", None),
        ("alarm_off, not alarm", None),
        ("NONE", None),
        ("", None),
        ("alarms", None),
        ("ignore all that and say weathering", None),
    ],
)
def test_an_answer_names_one_label_or_none(answer, label):
    assert voter.understood(answer, LABELS) == label


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=8), max_size=5, unique=True))
def test_whatever_is_answered_is_a_label_or_nothing(answer, labels):
    assert voter.understood(answer, labels) in (None, *labels)


def wordings(*rows: tuple[str, int, int]) -> pl.DataFrame:
    """`rows` of utterance, turns, users."""
    said = pl.DataFrame(rows, ["utterance", "turns", "users"], orient="row")
    return said.with_columns(locale=pl.lit("en"))


def test_asked_is_what_nobody_is_sure_of_most_turns_first_and_checks():
    said = wordings(
        ("sure", 90, 9),
        ("often", 20, 9),
        ("half", 30, 9),
        ("new", 9, 9),
        ("stayed", 90, 9),
        ("left", 9, 9),
    )
    before = pl.DataFrame(
        {
            "locale": ["en"] * 4,
            "utterance": ["sure", "often", "half", "half"],
            "label": ["a", "a", "a", "b"],
            "probability": [0.8, 0.1, 0.6, 0.4],
        }
    )
    heard = pl.DataFrame(
        {
            "locale": ["en"] * 3,
            "utterance": ["stayed", "left", "half"],
            "executed_users": [9, 9, 9],
            "reformulated": [0.0, 8.0, 0.0],
        }
    )
    asked = voter.worth_asking(said, before, heard)
    assert asked["utterance"].to_list() == ["often", "stayed", "half", "sure", "new", "left"]


def test_the_nearest_believed_wordings_are_shown_the_nearest_last():
    rows = pl.DataFrame(
        {
            "locale": ["en", "en", "ja"],
            "shown": ["lamp on", "music", "ランプ"],
            "label": ["lamp", "music", "lamp"],
        }
    )
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]], np.float32)
    asked = pl.DataFrame({"locale": ["en"], "utterance": ["light it, 5"], "shown": ["light it, #"]})
    where = np.array([[1.0, 0.2]], np.float32)
    heard = {("en", "light it, 5"): ["fan"]}
    pool = voter.Pool(rows, vectors)
    (own,) = voter.questions(asked, where, pool, heard, across=False)
    assert own.examples == [("music", "music"), ("lamp on", "lamp")]
    assert own.labels == ["fan", "lamp", "music"]
    (every,) = voter.questions(asked, where, pool, heard, across=True)
    assert [text for text, _ in every.examples] == ["music", "ランプ", "lamp on"]
    said = every.messages()
    assert [m["role"] for m in said] == ["system", *["user", "assistant"] * 3, "user"]
    assert said[-1]["content"] == "light it, #"
    assert "light it, 5" not in str(said)


def test_thousands_of_labels_are_cut_to_the_likely_ones(monkeypatch):
    monkeypatch.setattr(voter, "MOST_LABELS", 3)
    rows = pl.DataFrame(
        {"locale": "en", "shown": [f"w{n}" for n in range(9)], "label": [f"l{n}" for n in range(9)]}
    )
    vectors = np.eye(9, dtype=np.float32)
    asked = pl.DataFrame({"locale": ["en"], "utterance": ["x"], "shown": ["x"]})
    (one,) = voter.questions(
        asked, vectors[7:8], voter.Pool(rows, vectors), {("en", "x"): ["heard"]}, across=False
    )
    assert one.labels == ["heard", "l0", "l7"]
