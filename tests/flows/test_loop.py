"""The closed loop: what serves answers, rewrites run under arms, words come to mean something else."""

import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_gate import BAD, GOOD, LAMPS
from typer.testing import CliRunner

from flows.cli import app
from flows.simulation.assistant import LearningAssistant, Served
from flows.simulation.loop import recovered
from flows.simulation.place import Book, Habits
from flows.simulation.world import settled
from retrain.registry import store
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.long

ASKED = [
    "--shape",
    "command",
    "--cycles",
    "2",
    "--locales",
    "en-GB",
    "--turns",
    "1200",
    "--users",
    "40",
    "--days",
    "4",
]


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("loop") / "out"
    ended = CliRunner().invoke(app, ["simulate", "--out", str(place), *ASKED, "--json"])
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.output)
    assert len(told["recovered"]) == 2
    assert told["recovered"][0] > 0.3
    return place


def test_people_talk_to_what_serves(out):
    served = store.served(Home(out / "home"))
    assert len(served) >= 2
    first, second = (rows(out / "logs" / f"cycle-{n:03}.jsonl.gz") for n in (1, 2))
    assert {t["model_version"] for t in first} == {served[0]}
    assert served[1] in {t["model_version"] for t in second}
    days = [{t["timestamp"][:10] for t in log} for log in (first, second)]
    assert max(days[0]) < min(days[1])


def test_rewrites_run_under_arms_and_their_evidence_is_apart(out):
    home = Home(out / "home")
    nights = Lake(home.lake).days("rewrites")
    running = {
        r["source"]: r["target"] for r in Lake(home.lake).read("rewrites", nights[:1]).to_dicts()
    }
    second = rows(out / "logs" / "cycle-002.jsonl.gz")
    rewritten = [t for t in second if t.get("executed_utterance")]
    assert rewritten
    for turn in rewritten:
        assert running[turn["utterance"]] == turn["executed_utterance"]
        assert (turn["arm"], turn["propensity"]) == ("treated", 0.8)
    held = [t for t in second if t["utterance"] in running and t.get("arm") == "holdout"]
    assert held
    assert not any(t.get("executed_utterance") for t in held)
    followed = Lake(home.lake).newest("rewrite_experiments")
    assert followed["treated"].sum() > 0
    assert followed["alone"].sum() > 0


def test_a_loop_is_not_run_over_another(out):
    ended = CliRunner().invoke(app, ["simulate", "--out", str(out), *ASKED])
    assert ended.exit_code != 0
    assert "holds a loop already" in ended.output + str(ended.exception)


def test_arms_are_drawn_as_often_as_they_say():
    assistant = LearningAssistant(
        Served("new", GOOD),
        Served("old", BAD),
        0.25,
        {("en", "lumos"): (LAMPS[0], 0.1)},
        np.random.default_rng(0),
    )
    answers = [assistant.answer("en", "lumos") for _ in range(1_000)]
    held = [a for a in answers if a.arm == "holdout"]
    assert 70 <= len(held) <= 130
    assert {a.ran for a in held} == {None}
    assert {(a.ran, a.propensity) for a in answers if a.arm == "treated"} == {(LAMPS[0], 0.9)}
    plain = [assistant.answer("en", LAMPS[1]) for _ in range(1_000)]
    assert 200 <= sum(a.model == "old" for a in plain) <= 300
    assert {a.n_best[0][0] for a in plain if a.model == "new"} == {"lamp"}
    assert {a.propensity for a in plain} == {0.25, 0.75}


def test_words_that_moved_mean_something_else_as_often():
    habits = Habits(30, 2, 4_000, "2026-01-05", 4, 0.1, 0, 0.0)
    (place,) = settled(None, 5, habits, ["en-GB"])
    assistant = LearningAssistant(Served("x", GOOD), None, 0.0, {}, np.random.default_rng(0))

    def begun(book: Book) -> Counter[tuple[str, str]]:
        both = zip(book.turns, book.truth, strict=True)
        return Counter((s["utterance"], t["intent"]) for s, t in both if t["kind"] == "new")

    before = begun(place.live(assistant, date(2026, 1, 5)))
    wording = max(place.said, key=lambda w: before[w.utterance, w.intent])
    other = place.move(wording)
    assert other is not None
    assert other.intent != wording.intent
    after = begun(place.live(assistant, date(2026, 1, 7)))
    assert after[wording.utterance, wording.intent] == 0
    now, then = after[wording.utterance, other.intent], before[wording.utterance, wording.intent]
    assert 0.5 < now / then < 2


def test_an_update_is_heard_whatever_the_model_says():
    assistant = LearningAssistant(
        Served("x", GOOD),
        None,
        0.0,
        {("en", "lumos"): (LAMPS[0], 0.0)},
        np.random.default_rng(0),
        {("en", LAMPS[0]): "music"},
    )
    answer = assistant.answer("en", "lumos")
    assert (answer.executed, answer.ran) == ("music", LAMPS[0])
    assert [label for label, _ in answer.n_best].count("music") == 1


def test_recovered_is_a_share_of_the_way():
    told = recovered(
        [{"right_before": 0.6, "right": 0.7}, {"right_before": 0.7, "right": 0.8}], 0.8
    )
    assert told == [0.5, 1.0]
