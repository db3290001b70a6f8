"""Harmless first: what a log cannot tell is not taught, whatever the log lacks."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import runs
from flows.night import Outcome
from flows.pipeline import directly
from flows.settings import Mining, Settings
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from logs import turn, write_log
from mining.ingest.heard import MARK
from warehouse.home import existing, read_training_set, training_versions
from warehouse.lake import Lake

Row = dict[str, Any]
LACKING: dict[str, Callable[[Row], Row]] = {
    "answers": lambda row: row | {"response": None},
    "intents": lambda row: row | dict.fromkeys(("intent", "slots", "confidence", "n_best")),
    "sessions": lambda row: row | {"session_id": None},
}


@pytest.fixture(scope="module")
def dialogues(tmp_path_factory) -> tuple[list[Row], dict[str, Row]]:
    """The log of a world of dialogues, and its truth by turn."""
    out = tmp_path_factory.mktemp("dialogues")
    simulate(
        out,
        None,
        5,
        Habits(60, 3, 2_000, "2026-01-05", 6, 0.1, 0, 0.0, shape="dialogue"),
        ["en-GB"],
    )
    log, truth = (
        [
            json.loads(line)
            for line in gzip.decompress((out / f"{name}.jsonl.gz").read_bytes()).splitlines()
        ]
        for name in ("log", "truth")
    )
    return log, {t["turn_id"]: t for t in truth}


def night(root: Path, rows: list[Row], settings: Settings | None = None) -> Outcome:
    log = write_log(root / "log.jsonl", rows)
    return runs.run_night(runs.Request([str(log)], root / "home"), settings or Settings(), directly)


def test_a_document_that_many_paste_is_no_wording(tmp_path, small_world):
    rows = [json.loads(r) for r in gzip.decompress((small_world / "log.jsonl.gz").read_bytes()).splitlines()]  # fmt: skip
    common = Counter(r["utterance"] for r in rows).most_common(2)
    pasted = {said: f"{said}: {'lorem ipsum dolor ' * 100}" for said, _ in common}
    night(tmp_path, [r | {"utterance": pasted.get(r["utterance"], r["utterance"])} for r in rows])
    lake, home = Lake(tmp_path / "home" / "lake"), existing(tmp_path / "home")
    assert lake.read("turns")["utterance"].str.contains(MARK, literal=True).sum() == sum(n for _, n in common)  # fmt: skip
    named = {
        "utterance_stats": ["utterance"],
        "soft_labels": ["utterance"],
        "transitions": ["source", "target"],
        "rewrites": ["source", "target"],
        "clusters": ["utterance"],
        "variants": ["utterance", "variant"],
        "released_utterances": ["utterance"],
    }
    for table, columns in named.items():
        held = lake.newest(table)
        for column in columns:
            assert not held[column].str.contains(MARK, literal=True).any(), table
    (version,) = training_versions(home)
    examples = read_training_set(home, version)
    assert examples.height and not examples["utterance"].str.contains(MARK, literal=True).any()


def verdicts(outcome: Outcome) -> dict[str, str]:
    return {v["subject"]: v["verdict"] for v in outcome.verdicts}


def test_a_log_says_what_it_can_tell(tmp_path, dialogues):
    outcome = night(tmp_path, dialogues[0])
    told = verdicts(outcome)
    assert set(told) == {"pairs", "failures", "labels", "rewrites"}
    run = Lake(tmp_path / "home" / "lake").newest("runs").row(0, named=True)
    assert {name: run[f"verdict_{name}"] for name in told} == told
    examples = read_training_set(existing(tmp_path / "home"), str(outcome.training_set))
    assert examples.is_empty() == (told["labels"] == "not at all")
    events = Lake(tmp_path / "home" / "lake").read("rephrase_events")
    truth = dialogues[1]
    true = sum(t["rephrase_of"] is not None for t in truth.values())
    assert 0.5 < events["p_rephrase"].sum() / true < 1.7


@pytest.mark.parametrize("lacking", LACKING)
def test_a_log_that_lacks_much_is_told_calibrated_or_not_at_all(tmp_path, dialogues, lacking):
    log, truth = dialogues
    outcome = night(tmp_path, [LACKING[lacking](row) for row in log])
    lake = Lake(tmp_path / "home" / "lake")
    events = lake.read("rephrase_events").select("source_turn_id", "target_turn_id", "p_rephrase")
    said = [(truth[t]["rephrase_of"] == s, p) for s, t, p in events.rows() if p >= 0.5]
    if verdicts(outcome)["pairs"] != "not at all":
        assert sum(hit for hit, _ in said) >= 0.6 * len(said)
    if lacking == "intents":
        assert read_training_set(existing(tmp_path / "home"), str(outcome.training_set)).is_empty()
        assert verdicts(outcome)["labels"] == "not at all"


def test_a_closing_changes_no_label(tmp_path):
    """Everybody asks for the address, gets it, and says goodbye: nobody meant goodbye by asking."""
    asked = ["what is the address", "the address please", "where is it"]
    rows = []
    for user in range(60):
        about = {"session_id": f"s{user}", "confidence": 0.9}
        said = [
            ("find a cheap restaurant", "find", "The oak is cheap."),
            (asked[user % 3], "address", "It is on Mill Road."),
            ("thank you goodbye", "bye", "Goodbye."),
        ]
        rows += [
            turn(f"u{user}", user * 500 + 8 * n, text, turn_id=f"{user}.{n}", intent=intent, response=reply, **about)
            for n, (text, intent, reply) in enumerate(said)
        ]  # fmt: skip
    outcome = night(tmp_path, rows)
    labels = Lake(tmp_path / "home" / "lake").newest("soft_labels")
    best = labels.sort("probability", descending=True).unique("utterance", keep="first")
    found = dict(best.select("utterance", "label").rows())
    assert all(found[text] == "address" for text in asked if text in found)
    assert not outcome.retrain


def test_turns_outside_the_window_are_told(tmp_path):
    rows = [
        turn(
            f"u{n % 9}",
            n % 3 * 86_400 + n * 60,
            f"wish number {n % 7}",
            turn_id=f"t{n}",
            intent="a",
        )
        for n in range(60)
    ]
    outcome = night(tmp_path, rows, Settings(mining=Mining(window_days=1)))
    (line,) = [n for n in outcome.noticed if "window" in n]
    assert "40 turns" in line
    assert "window_days = 3" in line
    run = Lake(tmp_path / "home" / "lake").newest("runs").row(0, named=True)
    assert line in run["message"]


def test_a_log_of_another_shape_is_noticed(tmp_path):
    """Commands of one turn, then dialogues of six."""
    rows = [
        turn(
            f"u{n}",
            n * 200,
            f"play song {n % 20}",
            turn_id=f"a{n}",
            session_id=f"a{n}",
            intent="play",
        )
        for n in range(210)
    ]
    rows += [
        turn(f"u{n}", 2 * 86_400 + n * 200 + k * 9, f"word {n} and {k}", turn_id=f"b{n}.{k}", session_id=f"b{n}", response="Go on.")
        for n in range(40)
        for k in range(6)
    ]  # fmt: skip
    outcome = night(tmp_path, rows)
    told = " ".join(outcome.noticed)
    assert "turns a session 1 before, 6 on" in told
    assert "answers 0% before, 100% on" in told
