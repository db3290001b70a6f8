"""A person judges a few rows: what is shown, what is kept, what it tells, and what the next run makes of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from aggregation.training_set import best
from flows import runs, settings
from flows.cli import app
from flows.retraining import Retraining, unaudited
from flows.steps import audits
from flows.steps.labels import as_audited
from logs import turn, write_log
from warehouse.common.platt import PlattScaling
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.queries import opened

DAY = 86_400
ROOMS = ["kitchen", "hall", "bath", "attic", "cellar", "garden"]
HEARD = {"lamp": "LampOn", "radio": "RadioOn"}
CHOSEN = settings.Settings(mining=settings.Mining(similarity_threshold=0.3))
ANNA = [{"name": "contact", "value": "anna"}]


def night(home: Path, log: Path) -> Any:
    return runs.run_night(
        runs.Request([str(log)], home, engine="duckdb"), CHOSEN, lambda step, *args: step(*args)
    )


def log_of(folder: Path, day: int) -> Path:
    """Six users who turn things on in rooms, one of whom says it again, and calls Anna."""
    rows = []
    for n, (thing, room) in enumerate((t, r) for t in HEARD for r in ROOMS):
        for user in range(6):
            said = f"{thing} on in the {room}"
            at, who = day * DAY + 900 * n + user, f"u{user}"
            if user == 0:
                first = turn(who, at - 60, f"{thing} {room}", outcome="failure", response="sorry?")
                rows.append(first)
            rows.append(turn(who, at, said, intent=HEARD[thing], outcome="success"))
    rows += [
        turn(f"u{user}", day * DAY + 40_000 + user, "call anna", intent="Call", slots=ANNA)
        for user in range(6)
    ]
    return write_log(folder / f"{day}.jsonl", rows)


@pytest.fixture(scope="module")
def one_night(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("audits")
    night(folder / "home", log_of(folder, 0))
    return folder / "home"


@pytest.fixture
def home(one_night, tmp_path) -> Path:
    shutil.copytree(one_night, tmp_path / "home")
    return tmp_path / "home"


def command(*words: object) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def drawn(home: Path, subject: str, rows: int = 60) -> list[dict[str, Any]]:
    out = home.parent / "rows.jsonl"
    command("audit", "--home", home, "--subject", subject, "--rows", rows, "--out", out)
    return [json.loads(line) for line in out.read_text().splitlines()]


def answered(home: Path, rows: list[dict[str, Any]], right: Any, by: str = "") -> str:
    place = home.parent / "answers.jsonl"
    given = [row | {"right": right(row)} for row in rows]
    place.write_text("".join(json.dumps(row) + "\n" for row in given))
    return command("audit", "--home", home, "--from", place, "--by", by)


@pytest.mark.parametrize("subject", ["labels", "pairs", "failures"])
def test_rows_show_what_users_did_and_not_what_is_believed(home, subject):
    rows = drawn(home, subject, rows=10)
    assert {row["subject"] for row in rows} == {subject}
    assert all(row["right"] is None and row["shown"] for row in rows)
    assert all(any(line.startswith("> ") for line in row["shown"]) for row in rows)
    believed = {"probability", "p_rephrase", "p_defect", "belief"}
    assert not believed & {field for row in rows for field in row}
    assert "anna" not in json.dumps(rows)


def test_who_asks_twice_is_given_the_same_rows(home):
    assert drawn(home, "failures", rows=10) == drawn(home, "failures", rows=30)


def test_answers_tell_how_many_labels_are_right(home):
    rows = drawn(home, "labels")
    words = answered(home, rows, lambda row: True)
    assert f"{len(rows)} of {len(rows)} rows" in words
    assert "by 1 person" in words
    assert "so: 100% of turns" in words
    told = json.loads(command("audit", "--home", home, "--told", "--json"))
    assert told["observed"] == pytest.approx(1.0)
    assert told["kappa"] is None


def test_labels_that_persons_find_wrong_are_believed_less_from_the_next_run_on(home, tmp_path):
    lake = Lake(home / "lake")
    before = lake.newest("soft_labels")
    words = answered(home, drawn(home, "labels"), lambda row: "Lamp" not in row["question"])
    assert "too high in all; they are bent from the next run on" in words
    assert lake.newest("soft_labels").equals(before)
    night(home, log_of(tmp_path, 1))
    after = lake.newest("soft_labels")
    top = pl.col("probability").max().over("locale", "utterance") == pl.col("probability")
    assert after.filter(top)["probability"].mean() < before.filter(top)["probability"].mean()
    with opened(home / "warehouse.duckdb") as asked:
        view = asked("select subject, answered, shift, stretch from audits")
    assert view["subject"].to_list() == ["labels"]
    assert (view["shift"][0], view["stretch"][0]) != (0.0, 1.0)
    assert "audits" in lake.newest("full_nights")["because"][0]


def test_beliefs_are_audited_as_they_were_before_they_were_bent(home, tmp_path):
    answered(home, drawn(home, "labels"), lambda row: "Lamp" not in row["question"])
    night(home, log_of(tmp_path, 1))
    drawn(home, "labels")
    rows = Lake(home / "lake").newest("audit_rows")
    assert (rows["unbent"] > rows["belief"]).all()


@given(
    st.lists(st.floats(0.01, 1), min_size=1, max_size=4),
    st.floats(-2, 2),
    st.floats(0.1, 2),
)
def test_what_was_the_best_label_stays_it_and_no_belief_is_made_up(beliefs, shift, stretch):
    shares = [b / sum(beliefs) for b in beliefs]
    rows = {"locale": "en", "utterance": "on", "label": list("dcba")[: len(shares)]}
    labels = pl.DataFrame({**rows, "probability": shares})
    bent = as_audited(labels, PlattScaling(shift, stretch))
    assert best(bent)["label"].item() == best(labels)["label"].item()
    assert bent["probability"].sum() <= 1 + 1e-9 or bent["probability"].max() < max(shares)
    assert bent["probability"].is_between(0, 1).all()


def test_what_is_judged_every_night_is_one_piece_of_evidence():
    night = pl.DataFrame(
        {
            "night": "2026-01-01",
            "subject": "labels",
            "row": [f"r{n}" for n in range(20)],
            "auditor": "",
            "right": [n > 3 for n in range(20)],
            "belief": 0.95,
            "unbent": 0.95,
            "turns": 1.0,
            "expected": 1.0,
            "all_believed": 0.95,
            "all_turns": 20.0,
        }
    )
    nights = [night.with_columns(night=pl.lit(f"2026-01-0{n}")) for n in (1, 2, 3)]
    once, thrice = audits.judged(night), audits.judged(pl.concat(nights))
    assert once is not None
    assert thrice is not None
    assert once["shift"].equals(thrice["shift"])
    assert thrice["drawn"].item() == "2026-01-03"


def test_audits_of_a_forgotten_users_nights_go(home):
    answered(home, drawn(home, "labels"), lambda row: True)
    lake = Lake(home / "lake")
    assert lake.newest("audit_answers").height
    runs.run_forgetting(home, CHOSEN, "u0", lambda step, *args: step(*args))
    assert lake.days("audit_answers") == lake.days("audit_rows") == []


def test_the_gate_can_ask_for_an_audit_before_what_was_learned_serves(home):
    asks = CHOSEN.model_copy(update={"trust": settings.Trust(audit=True)})
    job = Retraining(Home(home), asks, None)
    assert "`sayagain audit`" in (unaudited(job) or "")
    assert unaudited(Retraining(Home(home), CHOSEN, None)) is None
    answered(home, drawn(home, "labels"), lambda row: True)
    assert unaudited(job) is None


def test_two_persons_agree_as_far_as_is_said(home):
    rows = drawn(home, "labels")
    answered(home, rows, lambda row: "Lamp" in row["question"], by="ada")
    words = answered(home, rows, lambda row: "Lamp" in row["question"], by="bo")
    assert "by 2 persons" in words
    assert "kappa of 1.00" in words
    words = answered(home, rows, lambda row: "kitchen" in row["question"], by="bo")
    assert "kappa of" in words
    assert "kappa of 1.00" not in words


def test_rows_that_nobody_can_tell_count_as_unanswered(home):
    rows = drawn(home, "failures")
    words = answered(home, rows, lambda row: None if row is rows[0] else False)
    assert f"{len(rows) - 1} of {len(rows)} rows" in words
    assert "nobody has answered yet" in command(
        "audit", "--home", home, "--subject", "pairs", "--told"
    )


def test_answers_at_the_terminal_are_kept_until_the_person_ends_it(home, monkeypatch):
    monkeypatch.setattr("flows.cli.audit._someone_is_there", lambda: True)
    typed = "y\nperhaps\nn\n?\nq\n"
    done = CliRunner().invoke(app, ["audit", "--home", str(home), "--rows", "10"], input=typed)
    assert "2 of " in done.output
    kept = Lake(home / "lake").newest("audit_answers")
    assert sorted(map(str, kept["right"])) == ["False", "None", "True"]
    done = CliRunner().invoke(app, ["audit", "--home", str(home), "--rows", "10"], input="y\n")
    assert "\n4 of " in done.output, "it goes on, and what the end of input cut short is kept"
    assert "\n3 of " not in done.output
    assert Lake(home / "lake").newest("audit_answers").height == 4


def test_what_cannot_be_audited_is_said_in_a_line(home, tmp_path):
    place = tmp_path / "bad.jsonl"
    for line, told in {
        "{": "row 1",
        '{"subject": "labels", "night": "1970-01-01", "row": "x", "right": "perhaps"}': "field right",
        '{"subject": "labels", "night": "1970-01-01", "row": "x", "right": true}': "was not drawn",
    }.items():
        place.write_text(line + "\n")
        with pytest.raises(BadInput, match=told):
            command("audit", "--home", home, "--from", place)
    for bad in ("--out", place), ("--told",):
        with pytest.raises(BadInput, match="is none of"):
            command("audit", "--home", home, "--subject", "everything", *bad)
    with pytest.raises(BadInput, match="one at a time"):
        command("audit", "--home", home, "--told", "--out", place)
    with pytest.raises(BadInput, match="is none of"):
        command("audit", "--home", home, "--subject", "everything", "--out", place)
    with pytest.raises(BadInput, match="nobody is there to answer"):
        command("audit", "--home", home)
    with pytest.raises(BadInput, match="nothing to audit"):
        command("audit", "--home", home, "--subject", "rewrites", "--out", place)
