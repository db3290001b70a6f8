"""What a run says: a few lines that a person reads."""

from dataclasses import replace

import pytest
from test_retraining import call
from typer.testing import CliRunner

from flows import runs, settings, telling
from flows.cli import app
from logs import turn, write_log


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A home, and what its first night came to: a broken row among fifty."""
    folder = tmp_path_factory.mktemp("telling")
    rows = [
        turn(
            f"u{n % 9}", 700 * n, f"play {n % 5}", turn_id=f"t{n}", intent="play", outcome="success"
        )
        for n in range(60)
    ]
    log = write_log(folder / "log.jsonl", [*rows, turn("u1", 1, "a\0b", turn_id="broken")])
    outcome = runs.run_night(
        runs.Request([str(log)], folder / "home", engine="duckdb"), settings.Settings(), call
    )
    return folder / "home", outcome


def test_a_night_is_told_from_what_came_in_to_what_comes_next(night):
    home, outcome = night
    told = telling.lines(home, outcome)
    assert [about for about, _ in told][:3] == ["read", "this log tells", "believed"]
    text = dict(told)
    assert text["read"].startswith("61 rows, 60 kept, 1 set aside")
    assert text["next"] == f"sayagain {'retrain' if outcome.retrain else 'report'} --home {home}"
    assert text["retrain"].endswith("; ".join(outcome.because))


@pytest.mark.parametrize("oddities", [0, 1, 3, 40])
def test_whatever_is_noticed_it_is_at_most_twelve_lines(night, oddities):
    home, outcome = night
    message = {"receiver": "webhook", "status": "told", "answer": "200"}
    odd = replace(
        outcome,
        noticed=tuple(f"oddity {n}" for n in range(oddities)),
        told=tuple(message for _ in range(3)),
    )
    told = telling.lines(home, odd)
    assert len(told) <= telling.MOST
    shown = [text for about, text in told if about == "noticed"]
    assert (
        len(shown) == oddities
        or shown[-1] == f"and {oddities - len(shown) + 1} more (-v tells all)"
    )


def test_a_log_of_nothing_is_told_in_three_lines(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [])
    done = CliRunner().invoke(app, ["run", str(log), "--home", str(tmp_path / "home")])
    assert done.exit_code == 0
    lines = [line.split(maxsplit=1)[0] for line in done.stdout.splitlines()]
    assert lines == ["Night", "read", "nothing", "next"]
    assert "the log holds no turn" in done.stdout


FIGURES = {
    "cases": 1204.0,
    "champion_accuracy": 0.81,
    "challenger_accuracy": 0.825,
    "negative_flips": 0.008,
    "champion_exact": 0.5,
    "challenger_exact": 0.52,
    "negative_exact_flips": 0.01,
}


def verdict(**more):
    told = {"champion": "m-2", "before": "m-1", "challenger": "m-2", "promoted": True}
    return {**told, "because": ["better"], "figures": FIGURES} | more


def test_a_retraining_is_told_with_slots_and_what_comes_next(tmp_path):
    text = dict(telling.retrained(tmp_path, verdict()))
    assert text["intents right"].startswith(
        "81.0%, now 82.5% of 1,204 cases that no model saw; 0.8%"
    )
    assert text["with all slots"].startswith("50.0%, now 52.0%")
    assert text["because"] == "better"
    assert text["next"] == f"sayagain predict --home {tmp_path}"
    refused = dict(telling.retrained(tmp_path, verdict(promoted=False, champion="m-1")))
    assert (refused["serves"], refused["next"]) == ("m-1", f"sayagain review --home {tmp_path}")


def test_a_first_model_has_nobody_to_be_compared_with(tmp_path):
    first = verdict(before=None)
    assert [about for about, _ in telling.retrained(tmp_path, first)] == [
        "because",
        "serves",
        "next",
    ]
    nothing = verdict(champion=None, promoted=False, before=None)
    assert dict(telling.retrained(tmp_path, nothing))["next"].startswith("sayagain run LOG")


@pytest.mark.parametrize("reasons", [0, 1, 8, 9, 60])
def test_however_many_reasons_it_is_at_most_twelve_lines(tmp_path, reasons):
    many = telling.retrained(tmp_path, verdict(because=[f"reason {n}" for n in range(reasons)]))
    assert len(many) <= 12
    told = [text for about, text in many if about == "because"]
    hidden = reasons - len(told) + (len(told) < reasons)
    assert not hidden or told[-1] == f"and {hidden} more (--json tells all)"
