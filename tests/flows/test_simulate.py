"""The invented assistant: its truth is true, and the same seed gives the same bytes."""

import gzip
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.simulation import corpus, variety
from flows.simulation.assistant import WeakAssistant
from flows.simulation.corpus import Wording
from flows.simulation.invented import invent
from flows.simulation.launching import Launch
from flows.simulation.people import goals
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from logs import write_log
from mining.clustering import encoder
from mining.ingest.validation import FIELDS
from warehouse.errors import BadInput

pytestmark = pytest.mark.quick

HABITS = Habits(20, 2, 600, "2026-01-05", 4, 0.2, 1, 0.0)
FILES = ["log.jsonl.gz", "seed.jsonl.gz", "test.jsonl.gz", "truth.jsonl.gz"]


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("world")
    simulate(out, None, 7, HABITS, ["en-GB", "ja-JP"])
    return out


def test_the_grammar_has_the_breadth_it_promises():
    languages = [corpus.language(x) for x in corpus.built_in()]
    assert len(languages) >= 5
    for spoken in languages:
        intents = {w.intent for w in spoken.wordings}
        assert len(intents) >= 25
        assert intents == {w.intent for w in languages[0].wordings}
        assert sum(len(g) > 2 for g in goals(spoken.wordings)) > 50
    scripts = {"latin": "light", "cyrillic": "свет", "japanese": "電気"}
    for word in scripts.values():
        assert any(word in w.utterance for s in languages for w in s.wordings)


def test_a_pattern_is_read_in_every_way():
    assert list(corpus.expand("(a|b) c( d|)")) == ["a c d", "a c", "b c d", "b c"]


def test_the_same_seed_gives_the_same_bytes(world, tmp_path):
    simulate(tmp_path / "again", None, 7, HABITS, ["en-GB", "ja-JP"])
    simulate(tmp_path / "other", None, 8, HABITS, ["en-GB", "ja-JP"])
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (world / name).read_bytes()
    assert (tmp_path / "other" / FILES[0]).read_bytes() != (world / FILES[0]).read_bytes()


def test_every_turn_has_its_truth(world):
    log, truth = rows(world / "log.jsonl.gz"), rows(world / "truth.jsonl.gz")
    assert [t["turn_id"] for t in log] == [t["turn_id"] for t in truth]
    assert all(set(t) <= set(FIELDS) for t in log)
    by_id = {t["turn_id"]: (said, t) for said, t in zip(log, truth, strict=True)}
    for said, true in by_id.values():
        if true["rephrase_of"]:
            before, meant = by_id[true["rephrase_of"]]
            assert before["session_id"] == said["session_id"]
            assert before["timestamp"] < said["timestamp"]
            assert meant["intent"] == true["intent"]
            assert (before["utterance"] == said["utterance"]) or true["kind"] == "rephrase"
    kinds = Counter(t["kind"] for t in truth)
    assert set(kinds) == {"new", "rephrase", "retry", "refine", "reject", "robot"}


def test_the_assistant_really_fails_and_really_knows(world):
    people = [t for t in rows(world / "truth.jsonl.gz") if t["kind"] not in ("robot", "reject")]
    assert 0.2 < sum(t["right"] for t in people) / len(people) < 0.9


def test_test_wordings_are_never_seed(world):
    seed = {(r["locale"], r["utterance"]) for r in rows(world / "seed.jsonl.gz")}
    assert seed.isdisjoint((r["locale"], r["utterance"]) for r in rows(world / "test.jsonl.gz"))


def test_a_labelled_corpus_takes_the_place_of_the_grammar(tmp_path):
    said = [
        {
            "locale": "la",
            "utterance": f"{verb} {thing} {n}",
            "intent": verb,
            "slots": {"thing": thing},
        }
        for verb in ("pone", "tolle")
        for thing in ("lucernam", "mensam", "panem")
        for n in range(8)
    ]
    path = write_log(tmp_path / "corpus.jsonl", said)
    facts = simulate(tmp_path / "out", path, 1, HABITS, None)
    assert facts["locales"] == ["la"]
    assert {t["intent"] for t in rows(tmp_path / "out" / "truth.jsonl.gz")} <= {
        "pone",
        "tolle",
        None,
    }


@pytest.mark.parametrize(
    "row", ['{"utterance": "x"}', "{", '{"utterance": 3, "intent": "a"}', "[]"]
)
def test_a_broken_corpus_is_named(tmp_path, row):
    (tmp_path / "corpus.jsonl").write_text(row + "\n")
    with pytest.raises(BadInput, match="row 1"):
        simulate(tmp_path / "out", tmp_path / "corpus.jsonl", 1, HABITS, None)


LAUNCH = Launch(("ja-JP",), day=2, seeds=0)


@pytest.fixture(scope="module")
def launched(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("launched")
    simulate(out, None, 7, HABITS, ["en-GB", "ja-JP"], LAUNCH)
    return out


def test_a_launched_locale_is_not_spoken_before_its_day(launched):
    first: dict[str, str] = {}
    for row in rows(launched / "log.jsonl.gz"):
        first.setdefault(row["locale"], row["timestamp"][:10])
    assert first == {"en-GB": "2026-01-05", "ja-JP": "2026-01-06"}


def test_a_launched_locale_has_the_seed_data_of_its_launch(launched, tmp_path):
    assert {r["locale"] for r in rows(launched / "seed.jsonl.gz")} == {"en-GB"}
    simulate(tmp_path, None, 7, HABITS, ["en-GB", "ja-JP"], replace(LAUNCH, seeds=2))
    counts = Counter((r["locale"], r["intent"]) for r in rows(tmp_path / "seed.jsonl.gz"))
    assert {n for (locale, _), n in counts.items() if locale == "ja-JP"} == {2}
    assert {n for (locale, _), n in counts.items() if locale == "en-GB"} == {
        HABITS.seeds_per_intent
    }


def test_old_locales_live_as_if_nothing_were_launched(launched, world):
    def of_old(place: Path) -> list[dict[str, Any]]:
        return [r for r in rows(place / "log.jsonl.gz") if r["locale"] == "en-GB"]

    assert of_old(launched) == of_old(world)


def test_a_launch_needs_a_locale_of_the_world_and_somebody_to_learn_from(tmp_path):
    with pytest.raises(BadInput, match="--launch fr-FR: is no locale"):
        simulate(tmp_path, None, 7, HABITS, ["en-GB"], Launch(("fr-FR",)))
    with pytest.raises(BadInput, match="leave a locale that is not launched"):
        simulate(tmp_path, None, 7, HABITS, ["en-GB"], Launch(("en-GB",)))


def test_an_encoder_serves_a_launched_locale(tmp_path):
    said = [w.utterance for x in ("en-GB", "ja-JP") for w in corpus.language(x).wordings[:200]]
    encoder.learn(encoder.Lessons(said, encoder.NO_PAIRS)).save(tmp_path / "encoder")
    known = replace(LAUNCH, encoder=tmp_path / "encoder")
    simulate(tmp_path / "world", None, 7, HABITS, ["en-GB", "ja-JP"], known)
    simulate(tmp_path / "without", None, 7, HABITS, ["en-GB", "ja-JP"], LAUNCH)

    def heard(world: Path) -> set[str]:
        log = rows(world / "log.jsonl.gz")
        return {r["n_best"][0]["intent"] for r in log if r["locale"] == "ja-JP"}

    assert len(heard(tmp_path / "world")) > 1
    assert heard(tmp_path / "world") != heard(tmp_path / "without")


@pytest.mark.parametrize("shape", ["dialogue", "chat", "search", "mixed"])
def test_a_world_of_every_shape_is_one_whose_truth_fits_its_log(tmp_path, shape):
    habits = replace(HABITS, turns=1_500, shape=shape, robots=0)
    simulate(tmp_path, None, 7, habits, ["en-GB", "ja-JP"])
    log, truth = rows(tmp_path / "log.jsonl.gz"), rows(tmp_path / "truth.jsonl.gz")
    of = {r["turn_id"]: r for r in log}
    assert [t["turn_id"] for t in truth] == [r["turn_id"] for r in log]
    for turn in truth:
        if turn["rephrase_of"]:
            before = of[turn["rephrase_of"]]
            assert before["session_id"] == of[turn["turn_id"]]["session_id"]
            assert before["timestamp"] < of[turn["turn_id"]]["timestamp"]
    assert any(t["rephrase_of"] for t in truth)


def test_what_a_shape_lacks_is_in_no_row(tmp_path):
    for shape, lacking in (("chat", "intent"), ("search", "response"), ("dialogue", "outcome")):
        simulate(tmp_path / shape, None, 7, replace(HABITS, shape=shape, robots=0), ["en-GB"])
        assert all(r[lacking] is None for r in rows(tmp_path / shape / "log.jsonl.gz")), shape


def test_dialogues_go_forward(tmp_path):
    simulate(tmp_path, None, 7, replace(HABITS, turns=3_000, shape="dialogue", robots=0), ["en-GB"])
    truth, log = rows(tmp_path / "truth.jsonl.gz"), rows(tmp_path / "log.jsonl.gz")
    sessions = Counter(r["session_id"] for r in log)
    assert 3 <= np.median(list(sessions.values())) <= 12
    kinds = Counter(t["kind"] for t in truth)
    assert {"greet", "goodbye", "answer", "reject", "refine"} <= set(kinds)
    assert 0.01 < sum(t["rephrase_of"] is not None for t in truth) / len(truth) < 0.3


def test_an_unknown_shape_is_told(tmp_path):
    with pytest.raises(BadInput, match="known: command, dialogue, chat, search, mixed"):
        simulate(tmp_path, None, 7, replace(HABITS, shape="poem"), ["en-GB"])


def test_an_invented_language_is_its_own(tmp_path):
    one, same, other = (invent("art-x-1", np.random.default_rng(n)) for n in (1, 1, 2))
    assert [w.utterance for w in one.wordings] == [w.utterance for w in same.wordings]
    assert one.wordings != other.wordings
    assert len({w.intent for w in one.wordings}) >= 8
    assert all(v in w.utterance for w in one.wordings for _, v in w.slots)


def test_worlds_for_learning_differ_in_how_much_there_is_to_say(tmp_path):
    drawn = [variety.draw(7, n) for n in range(12)]
    said = [len({w.goal for w in d.place.spoken.wordings}) for d in drawn]
    assert min(said) < 40 < max(said)
    narrow = drawn[int(np.argmin(said))]
    variety.live(narrow, tmp_path)
    assert len(rows(tmp_path / "truth.jsonl.gz")) >= narrow.place.habits.turns


def test_an_assistant_learns_from_wordings_that_share_nothing():
    told = [Wording("en-GB", "ab", "one"), Wording("en-GB", "xy", "two")]
    answers = WeakAssistant(told, [])
    assert answers.answer("en-GB", "ab").n_best[0][0] == "one"
    assert answers.answer("en-GB", "xy").n_best[0][0] == "two"
