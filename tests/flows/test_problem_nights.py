"""What hurts: a problem's life through real nights, and what a person says of it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows import runs, settings
from flows.cli import app
from flows.pipeline import directly
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from warehouse.lake import Lake
from warehouse.queries import ask

# An intent is eaten by another from day 3 on, no more from day 7 on, and again from day 13 on.
HABITS = Habits(60, 16, 16 * 330, "2026-01-05", 6, 0.1, 0, 0.0, changing_day=3, mended_day=7, back_day=13)  # fmt: skip
NIGHTS = (range(1, 7), range(7, 13), range(13, 16))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """A world's folder, and the planted problem."""
    folder = tmp_path_factory.mktemp("problems")
    planted = simulate(folder, None, 5, HABITS, ["en-GB"])["problems"]
    return folder, next(row for row in planted if row["kind"] == "eaten")


def night(world: Path, home: Path, days: range) -> None:
    with gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as lines:
        rows = [x for x in lines if int(json.loads(x)["timestamp"][8:10]) - 4 in days]
    log = world / f"{days.start}.jsonl"
    log.write_text("".join(rows), "utf8")
    request = runs.Request([str(log)], home, engine="duckdb", seed_data=world / "seed.jsonl.gz")
    runs.run_night(request, settings.Settings(), directly)


def command(*words: object) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def eaten(home: Path, planted: dict[str, Any]) -> dict[str, Any]:
    """The planted problem as it is published."""
    named = "from problems where kind = 'eaten' and meant = '{meant}' and heard = '{heard}'"
    (row,) = ask(home, named.format(**planted)).to_dicts()
    return row


def test_a_problem_opens_is_dismissed_closes_and_comes_back(world, tmp_path):
    (folder, planted), home = world, tmp_path / "home"
    night(folder, home, NIGHTS[0])
    problem = eaten(home, planted)
    assert (problem["status"], problem["times"]) == ("open", 1)
    assert problem["worth_at_least"] <= problem["worth"] <= problem["worth_at_most"]
    because = Lake(home / "lake").newest("decisions")["because"][0]
    assert any("mistaken for others: worth" in reason for reason in because)
    name = problem["problem_id"]
    assert name in command("problems", "--home", home)
    told = json.loads(command("problems", name[:8], "--home", home, "--json"))
    assert {w["intent"] for w in told["wordings"]} == {planted["heard"]}
    done = command("problems", name, "--home", home, "--dismiss", "--because", "known")
    assert done.startswith(f"{name}: dismissed")

    night(folder, home, NIGHTS[1])
    assert eaten(home, planted)["status"] == "dismissed"
    assert Lake(home / "lake").newest("problems").filter(problem_id=name)["closed"][0]

    command("problems", name, "--home", home, "--restore")
    night(folder, home, NIGHTS[2])
    problem = eaten(home, planted)
    assert (problem["problem_id"], problem["status"], problem["times"]) == (name, "open", 2)
    assert name in command("problems", "--home", home)

    command("problems", name, "--home", home, "--dismiss")
    night(folder, home, range(16, 17))
    assert name not in command("problems", "--home", home)
    assert name in command("problems", "--home", home, "--all")
    refused = CliRunner().invoke(app, ["problems", "xyz", "--home", str(home)])
    assert "is no problem of the newest night" in str(refused.exception)


@pytest.mark.parametrize(
    "words", [["--dismiss"], ["--because", "x"], ["id", "--dismiss", "--restore"]]
)
def test_which_problem_and_what_of_it_must_be_said(tmp_path, words):
    refused = CliRunner().invoke(app, ["problems", *words, "--home", str(tmp_path)])
    assert refused.exit_code == 1
    assert "say which" in str(refused.exception) or "not both" in str(refused.exception)
