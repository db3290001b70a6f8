"""Slots: what is found in the wording, letter by letter or nearly, and nothing else."""

import itertools
import math
from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation import slot_belief
from aggregation.slots import project, span
from warehouse.tables import Transitions

pytestmark = pytest.mark.quick

word = st.text("abcdefghij", min_size=3, max_size=8)


def best(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["utterance", "label"], orient="row").select(
        pl.lit("en").alias("locale"), pl.all(), probability=pl.lit(0.9)
    )


def filled(*rows: tuple[str, str, str, str, int]) -> pl.DataFrame:
    names = ["utterance", "label", "name", "value", "users"]
    frame = pl.DataFrame(rows, names, orient="row")
    return frame.select(pl.lit("en").alias("locale"), pl.all())


def moves(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [("en", s, t, 3, 3, 0.95, 0.9) for s, t in pairs]
    return pl.DataFrame(rows, {n: c.dtype for n, c in Transitions.columns().items()}, orient="row")


def test_the_time_of_the_successful_wording_is_found_in_the_failed_one():
    found = project(
        best(("get me up at seven", "alarm"), ("wake me at seven", "alarm")),
        filled(("wake me at seven", "alarm", "time", "seven", 4)),
        moves(("get me up at seven", "wake me at seven")),
    )
    slots = dict(found.select("utterance", "slots").rows())
    assert slots["get me up at seven"][0]["name"] == "time"
    assert (slots["get me up at seven"][0]["start"], slots["get me up at seven"][0]["end"]) == (
        13,
        18,
    )


def test_a_value_that_is_not_in_the_wording_is_not_projected():
    found = project(
        best(("get me up early", "alarm")),
        filled(("wake me at seven", "alarm", "time", "seven", 4)),
        moves(("get me up early", "wake me at seven")),
    )
    assert found.is_empty()


def test_a_value_of_another_meaning_is_not_projected():
    found = project(
        best(("play seven", "music")),
        filled(("wake me at seven", "alarm", "time", "seven", 4)),
        moves(("play seven", "wake me at seven")),
    )
    assert found.is_empty()


def test_where_users_disagree_about_a_slot_it_stays_empty():
    found = project(
        best(("from paris to rome", "trip")),
        filled(
            ("from paris to rome", "trip", "city", "paris", 3),
            ("from paris to rome", "trip", "city", "rome", 3),
        ),
        moves(),
    )
    assert found.is_empty()


@pytest.mark.parametrize(
    ("utterance", "value", "stretch"),
    [
        ("wecke mich um SIEBEN", "sieben", "SIEBEN"),
        ("明日七時に起こして", "七時", "七時"),
        ("lamp in the kitchn on", "kitchen", "kitchn"),
        ("seventy songs", "seven", None),
        ("seven or seven thirty", "seven", None),
        ("İyi geceler de", "geceler", "geceler"),
    ],
)
def test_where_a_value_stands(utterance, value, stretch):
    found = span(utterance, value)
    assert (found and utterance[found[0] : found[1]]) == stretch


@given(st.lists(word, min_size=1, max_size=5), word)
def test_what_is_found_is_in_the_wording_and_like_the_value(words, value):
    utterance = " ".join(words)
    found = span(utterance, value)
    if utterance.split().count(value) == 1 and utterance.count(value) == 1:
        assert found is not None
        assert utterance[found[0] : found[1]] == value
    if found:
        assert 0 <= found[0] < found[1] <= len(utterance)
        assert found[2] >= 0.85


@given(st.lists(st.tuples(word, word), min_size=1, max_size=6))
def test_slots_of_a_wording_do_not_overlap(said):
    utterance = " ".join(value for _, value in said)
    rows = [(utterance, "x", name, value, 2) for name, value in dict(said).items()]
    found = project(best((utterance, "x")), filled(*rows), moves())
    for slots in found["slots"].to_list():
        ends = [0] + [s["end"] for s in slots]
        assert all(s["start"] >= end for s, end in zip(slots, ends, strict=False))
        assert all(0 <= s["start"] < s["end"] <= len(utterance) for s in slots)


def known_of(*rows: tuple[str, str, str, str, int]) -> dict[str, bool]:
    wordings = {(row[0], row[1]) for row in rows}
    found = project(best(*sorted(wordings)), filled(*rows), moves())
    return dict(found.select("utterance", "slots_known").rows())


def test_all_slots_of_a_wording_are_known_where_most_showed_them_and_each_was_found():
    wake = ("wake me at seven", "alarm")
    assert known_of((*wake, "time", "seven", 4)) == {wake[0]: True}
    assert known_of((*wake, "", "", 4)) == {wake[0]: True}
    assert known_of((*wake, "time", "seven", 40), (*wake, "", "", 1)) == {wake[0]: True}
    contested = known_of((*wake, "time", "seven", 2), (*wake, "", "", 3))
    assert contested == {wake[0]: False}
    unfound = known_of((*wake, "time", "seven", 4), (*wake, "day", "tomorrow", 4))
    assert unfound == {wake[0]: False}


def test_users_who_accepted_no_slots_show_that_there_are_none():
    found = project(
        best(("thank you", "thanks")), filled(("thank you", "thanks", "", "", 3)), moves()
    )
    assert found.select("slots", "slots_known").rows() == [([], True)]


names = st.sampled_from(["time", "room"])
shown = st.lists(
    st.tuples(st.sampled_from("ab"), names, st.sampled_from("xyz"), st.integers(1, 4)), min_size=1
)


@given(shown)
def test_a_value_is_as_probable_as_its_users_and_those_of_others_say(rows):
    told = pl.DataFrame(
        [("en-GB", *row[:3], float(row[3])) for row in rows],
        ["locale", "utterance", "name", "value", "weight"],
        orient="row",
    )
    users: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for utterance, name, value, weight in rows:
        users[utterance, name][value] += weight
    pairs = agree = 0
    for of in users.values():
        people = [value for value, weight in of.items() for _ in range(weight)]
        both = list(itertools.permutations(people, 2))
        pairs += len(both)
        agree += sum(one == other for one, other in both)
    right = math.sqrt((agree + 19) / (pairs + 20))
    ratio = right / ((1 - right) / 10)
    for row in slot_belief.agreed(told).to_dicts():
        of = users[row["utterance"], row["name"]]
        odds = {value: ratio ** min(weight, 20) for value, weight in of.items()}
        believed = odds[row["value"]] / (sum(odds.values()) + 10)
        assert row["agreed"] == pytest.approx(believed)


def test_slots_that_are_accepted_under_every_label_are_right_whatever_the_label():
    best_label = pl.DataFrame({"locale": "en-GB", "utterance": ["u", "v"], "label": "set"})

    def other(value: str) -> float:
        rows = [
            ("u", "set", "day", "friday", 9),
            ("u", "ask", "day", value, 30),
            ("w", "ask", "day", "monday", 99),
        ]
        columns = ["utterance", "label", "name", "value", "users"]
        filled = pl.DataFrame(rows, columns, orient="row").with_columns(locale=pl.lit("en-GB"))
        return slot_belief.under_another_label(filled, best_label)

    assert other("friday") > 0.9
    assert other("sunday") < 0.1


@pytest.mark.parametrize(("accepted", "corrected", "kept"), [(9, 2, True), (3, 2, False)])
def test_a_value_that_users_corrected_is_evidence_against_it(accepted, corrected, kept):
    went = moves(("play beetles", "play the monkees")).with_columns(users=corrected)
    found = project(
        best(("play beetles", "music"), ("play the monkees", "music")),
        filled(
            ("play beetles", "music", "artist", "beetles", accepted),
            ("play the monkees", "music", "artist", "the monkees", 9),
        ),
        went,
    )
    slots = dict(found.select("utterance", "slots").rows())
    assert bool(slots.get("play beetles")) == kept
