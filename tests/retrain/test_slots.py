"""Slots: how a tagger reads, what it is taught, and what it must never do."""

import itertools
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from flows import seed
from retrain.gate.judging import Cases, GateConfig, judge
from retrain.slots import scoring
from retrain.slots import tagger as tagger_module
from retrain.slots.cross_fitting import Asked, cross_tagged
from retrain.slots.hidden_markov import Paths, viterbi
from retrain.slots.lesson import TaggedWordings
from retrain.slots.tagger import (
    Slot,
    Tagger,
    packed_tagger,
    right,
    stretches,
    teach,
    unpacked_tagger,
    values,
)
from warehouse.common.tokens import tokens
from warehouse.errors import BadInput

pytestmark = pytest.mark.quick

TIMES = ["seven", "noon", "half past two", "eight", "ten", "midnight"]
ROOMS = ["kitchen", "hall", "attic", "cellar", "study", "porch"]
scores = st.integers(-30, 30).map(lambda n: n / 10)


def row(wording: str, intent: str, **slots: str) -> dict[str, object]:
    places = [(name, wording.index(value), value) for name, value in slots.items()]
    return {
        "utterance": wording,
        "intent": intent,
        "slots": [
            {"name": n, "value": v, "start": at, "end": at + len(v), "probability": 1.0}
            for n, at, v in places
        ],
        "weight": 1.0,
    }


@pytest.fixture(scope="module")
def taught() -> TaggedWordings:
    rows = [
        *(row(f"wake me at {time}", "alarm", time=time) for time in TIMES),
        *(row(f"set an alarm for {time} please", "alarm", time=time) for time in TIMES),
        *(row(f"lamp on in the {room}", "lamp_on", room=room) for room in ROOMS),
        *(row(f"switch on the {room} lamp", "lamp_on", room=room) for room in ROOMS),
        *(row(wording, "thanks") for wording in ("thank you", "thanks a lot", "cheers")),
        *(row(f"{n}時に起こして", "alarm", time=f"{n}時") for n in "五六七八九"),
    ]
    return TaggedWordings.of(pl.DataFrame(rows))


@pytest.fixture(scope="module")
def tagger(taught: TaggedWordings) -> Tagger:
    return teach(taught)


def told(tagger: Tagger, wording: str, intent: str) -> list[tuple[str, str]]:
    return [(slot.name, slot.value) for slot in tagger.slots([wording], [intent])[0]]


def test_values_that_nobody_ever_said_are_found_where_values_stand(tagger):
    assert told(tagger, "wake me at eleven", "alarm") == [("time", "eleven")]
    assert told(tagger, "lamp on in the bathroom", "lamp_on") == [("room", "bathroom")]
    assert told(tagger, "二時に起こして", "alarm") == [("time", "二時")]


def test_an_intent_has_no_slots_but_its_own(tagger):
    assert told(tagger, "wake me at seven", "thanks") == []
    assert told(tagger, "wake me at seven", "never heard of") == []
    assert {name for name, _ in told(tagger, "wake me at seven", "lamp_on")} <= {"room"}


@given(st.text(max_size=30), st.sampled_from(["alarm", "lamp_on", "thanks", "none"]))
@settings(max_examples=60)
def test_slots_are_stretches_of_the_wording_in_order_apart_and_probable(tagger, wording, intent):
    (slots,) = tagger.slots([wording], [intent])
    at = 0
    for slot in slots:
        assert at <= slot.start < slot.end <= len(wording)
        assert slot.value == wording[slot.start : slot.end]
        assert 0 <= slot.probability <= 1
        at = slot.end


def test_a_wording_is_read_alike_alone_and_among_others(tagger):
    said = ["wake me at seven", "", "thank you", "lamp on in the hall"]
    intents = ["alarm", "alarm", "thanks", "lamp_on"]
    together = tagger.slots(said, intents)
    assert together == [tagger.slots([u], [i])[0] for u, i in zip(said, intents, strict=True)]


def test_a_tagger_is_the_same_by_the_same_lesson_and_after_it_was_kept(tagger, taught):
    packed = packed_tagger(tagger)
    assert packed == packed_tagger(teach(taught))
    kept = unpacked_tagger(packed)
    assert kept.slots(["wake me at ten"], ["alarm"]) == tagger.slots(["wake me at ten"], ["alarm"])


def test_a_file_that_is_no_tagger_is_refused(tagger):
    broken = Tagger(
        tagger.labels[:-1],
        tagger.intents,
        *(getattr(tagger, n) for n in ("features", "weights", "offsets", "transitions", "allowed")),
    )
    with pytest.raises(ValueError, match="fit together"):
        unpacked_tagger(packed_tagger(broken))


def test_what_was_told_before_stays_as_far_as_its_bonus_goes(tagger, monkeypatch):
    said, before = ["alarm seven lamp please"], [[Slot("time", "seven lamp", 6, 16, 0.5)]]
    free = tagger.slots(said, ["alarm"])
    monkeypatch.setattr(tagger_module, "INCUMBENT_BONUS", 0.0)
    assert tagger.slots(said, ["alarm"], before) == free
    monkeypatch.setattr(tagger_module, "INCUMBENT_BONUS", 1e6)
    for held in (before, [[]]):
        kept = [(s.name, s.value) for s in tagger.slots(said, ["alarm"], held)[0]]
        assert kept == [(s.name, s.value) for s in held[0]]


def test_a_case_is_tagged_by_a_tagger_that_never_saw_its_wording(taught):
    odd = TaggedWordings(
        [*taught.wordings, "wake me at zzyzx road"],
        [*taught.intents, "alarm"],
        [*taught.slots, [{"name": "secret", "start": 11, "end": 21}]],
        np.append(taught.weights, 50.0),
    )
    asked = ["wake me at zzyzx road", "wake me at noon"]
    intents = ["alarm", "alarm"]
    (one, other), _ = cross_tagged(odd, Asked(asked, intents, intents, [None, None]))
    assert "secret" not in {slot.name for slot in one}
    assert [(s.name, s.value) for s in other] == [("time", "noon")]


@given(st.data())
@settings(max_examples=60)
def test_paths_are_those_of_trying_them_all(data):
    tokens_, labels = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    shape = st.lists(scores, min_size=labels, max_size=labels)
    emitted = np.array(data.draw(st.lists(shape, min_size=tokens_, max_size=tokens_)))
    steps = np.array(data.draw(st.lists(shape, min_size=labels + 1, max_size=labels + 1)))

    def score(path: tuple[int, ...]) -> float:
        before = (labels, *path)
        return sum(steps[before[n], p] + emitted[n, p] for n, p in enumerate(path))

    every = {path: score(path) for path in itertools.product(range(labels), repeat=tokens_)}
    best = viterbi(emitted, steps)
    assert every[tuple(best)] == pytest.approx(max(every.values()))
    first = data.draw(st.integers(0, tokens_ - 1))
    last = data.draw(st.integers(first, tokens_ - 1))
    unless = data.draw(st.integers(0, labels - 1))
    wanted = best[first : last + 1]
    inside = [
        value
        for path, value in every.items()
        if list(path[first : last + 1]) == wanted
        and (last + 1 == tokens_ or path[last + 1] != unless)
    ]
    whole = logsumexp(list(every.values()))
    expected = np.exp(logsumexp(inside) - whole) if inside else 0.0
    assert Paths.of(emitted, steps).probability(first, wanted, [unless]) == pytest.approx(expected)


def test_a_slot_ends_where_its_label_does():
    labels = ["O", "B-a", "I-a", "B-a", "B-b", "I-a", "O"]
    assert list(stretches(labels)) == [(1, 2), (3, 3), (4, 4), (5, 5)]


@given(st.text(max_size=40))
def test_tokens_are_apart_in_order_and_leave_out_nothing_but_space(text):
    places = tokens(text)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(places))
    kept = "".join(text[start:end] for start, end in places)
    assert "".join(kept.split()) == "".join(text.split())


def test_slots_are_compared_by_name_and_value_whatever_their_letter_case():
    known = [[{"name": "time", "value": "Noon"}], [], None]
    found = [[Slot("time", "noon", 0, 4, 0.9)], [Slot("time", "noon", 0, 4, 0.9)], []]
    assert right(found, known) == [True, False, None]
    assert values([("a", "É")]) == values([("a", "e\u0301")])


def written(tmp_path, *rows: dict[str, object]):
    place = tmp_path / "seed.jsonl"
    place.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf8")
    return place


def test_seed_data_names_its_slots_by_value_by_place_or_in_brackets(tmp_path):
    said, slot = "wake me at seven", {"name": "time", "value": "seven", "start": 11, "end": 16}
    for told_ in (
        {"utterance": said, "slots": {"time": "seven"}},
        {"utterance": said, "slots": [{"name": "time", "start": 11, "end": 16}]},
        {"annot_utt": "wake me at [time : seven]"},
    ):
        (found,) = seed.read(written(tmp_path, told_ | {"intent": "alarm"})).to_dicts()
        assert found["utterance"] == said
        assert found["slots"] == [slot | {"probability": 1.0}]


def test_slots_that_are_not_all_known_by_their_place_are_not_known(tmp_path):
    for slots in (
        {"time": "07:00"},
        {"time": "s"},
        [{"name": "time", "start": 3, "end": 99}],
        None,
    ):
        place = written(tmp_path, {"utterance": "is seven so", "intent": "alarm", "slots": slots})
        assert seed.read(place)["slots"].to_list() == [None]
    place = written(tmp_path, {"utterance": "hello", "intent": "greet", "slots": {}})
    assert seed.read(place)["slots"].to_list() == [[]]
    with pytest.raises(BadInput, match=r"row 1: .*slots"):
        seed.read(written(tmp_path, {"utterance": "hello", "intent": "greet", "slots": 3}))


def test_a_model_that_gains_intents_and_loses_slots_is_refused():
    n = 200
    rows = pl.DataFrame(
        {
            "locale": "en-GB",
            "utterance": [f"wording {i}" for i in range(n)],
            "intent": "lamp",
            "weight": 1.0,
            "kind": "seed",
        }
    )
    wrong, good = [0.0, 1.0], [1.0, 0.0]
    before = np.array([wrong if i < 20 else good for i in range(n)])
    after = np.array([good] * n)
    config = GateConfig(max_negative_flip_rate=0.5)

    def verdict(lost: int, promised: int = -1):
        slots_after = pl.Series([i >= 20 + lost for i in range(n)])
        kind = pl.Series(["must pass" if i == promised else "seed" for i in range(n)])
        cases = Cases(
            rows.with_columns(kind=kind),
            ["lamp", "music"],
            before,
            after,
            slots_before=pl.Series([True] * n),
            slots_after=slots_after,
        )
        return judge(cases, config)

    assert verdict(0).promote
    broken = verdict(2, promised=21)
    assert not broken.promote
    assert broken.because == ("breaks 1 promises, the first: 'wording 21'",)
    assert verdict(1, promised=21).promote, "the promise is kept"
    refused = verdict(40)
    assert not refused.promote
    assert any(reason.startswith("loses slots") for reason in refused.because)
    whole = refused.figures.row(0, named=True)
    assert (whole["exact_cases"], whole["negative_exact_flips"]) == (n, 0.2)
    assert whole["champion_exact"] == pytest.approx(0.9)
    assert whole["challenger_exact"] == pytest.approx(0.7)


held_slots = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["x", "X", "y"])), max_size=3
)


@given(st.lists(st.tuples(held_slots, st.none() | held_slots), min_size=1, max_size=6))
def test_slot_f1_is_that_of_names_and_values_counted_one_by_one(cases):
    found = [[Slot(name, value, 0, 1, 1.0) for name, value in mine] for mine, _ in cases]
    known = [
        None if there is None else [{"name": name, "value": value} for name, value in there]
        for _, there in cases
    ]
    f1 = scoring.f1(found, known)
    for name in ("a", "b", "all"):
        hits = wrong = missed = 0
        for mine, there in cases:
            if there is not None:
                pairs = [
                    {(n, v.lower()) for n, v in side if name in ("all", n)}
                    for side in (mine, there)
                ]
                hits += len(pairs[0] & pairs[1])
                wrong += len(pairs[0] - pairs[1])
                missed += len(pairs[1] - pairs[0])
        if hits + wrong + missed:
            assert f1[name] == pytest.approx(hits / (hits + (wrong + missed) / 2))
        else:
            assert name not in f1


def test_each_slot_is_told_of_champion_and_challenger():
    known = [[{"name": "time", "value": "noon"}], [{"name": "room", "value": "hall"}], None]
    noon, hall = (Slot(n, v, 0, 4, 0.9) for n, v in (("time", "noon"), ("room", "hall")))
    rows = scoring.evaluated("new", "old", ([[noon], [], [hall]], [[noon], [hall], []]), known)
    assert rows.select("slot", "cases", "champion_f1", "challenger_f1").rows() == [
        ("all", 2, pytest.approx(2 / 3), 1.0),
        ("room", 1, 0.0, 1.0),
        ("time", 1, 1.0, 1.0),
    ]
    first = scoring.evaluated("new", None, (None, [[noon], [hall], []]), known)
    assert first["champion_f1"].to_list() == [None] * 3
