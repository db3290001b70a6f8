"""The command line as a person has it: what it prints, and how it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from logs import turn, write_log

COMMANDS = ["run", "retrain", "predict", "report", "explain", "sql", "simulate", "serve"]
COMMANDS += [
    "hold",
    "approve",
    "reject",
    "rollback",
    "review",
    "export",
    "held",
    "forget",
    "audit",
    "metrics",
    "problems",
]


def sayagain(*args: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home(small_world, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("cli") / "home"
    done = sayagain(
        "run",
        small_world / "log.jsonl.gz",
        "--home",
        root,
        "--seed-data",
        small_world / "seed.jsonl.gz",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "completed"
    assert set(told["seconds"]) >= {"take_in", "publish_warehouse"}
    return root


def test_every_command_has_help():
    told = sayagain("--help").stdout
    for command in COMMANDS:
        assert command in told
        assert "--home" in sayagain(command, "--help").stdout or command == "simulate"


def test_predict_before_retrain_says_what_to_do(home, tmp_path, small_world):
    if not (home / "models").exists():
        done = sayagain("predict", "--home", home, stdin="lamp on\n")
        assert (done.returncode, done.stdout) == (2, "")
        assert "sayagain retrain" in done.stderr


def test_retrain_predict_report_explain_and_sql(home):
    done = sayagain("retrain", "--home", home, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["because"]
    known = [json.loads(x) for x in (home / "seed.jsonl").read_text().splitlines()][::9]
    lines = "".join([known[0]["utterance"] + "\n", *(json.dumps(row) + "\n" for row in known[1:])])
    answers = [
        json.loads(x) for x in sayagain("predict", "--home", home, stdin=lines).stdout.splitlines()
    ]
    assert [a["utterance"] for a in answers] == [row["utterance"] for row in known]
    right = [
        a["labels"][0]["label"] == row["intent"] for a, row in zip(answers, known, strict=True)
    ]
    assert sum(right) / len(right) > 0.7
    first = [x["probability"] for x in answers[0]["labels"]]
    assert first == sorted(first, reverse=True)
    place = sayagain("report", "--home", home).stdout.strip()
    assert Path(place).read_text().startswith("<!doctype html>")
    wording = json.loads(
        sayagain(
            "sql",
            "--home",
            home,
            "--json",
            "select locale, utterance from variants where utterance not like '%<%' limit 1",
        ).stdout
    )[0]
    told = sayagain(
        "explain", "--home", home, wording["utterance"], "--locale", wording["locale"], "--json"
    )
    why = json.loads(told.stdout)
    assert why["turns"]
    assert why["soft_labels"]
    assert sayagain("explain", "--home", home, wording["utterance"]).returncode == 0
    hidden = sayagain(
        "sql",
        "--home",
        home,
        "--json",
        "select utterance from variants where utterance like '%<%' limit 1",
    )
    for row in json.loads(hidden.stdout):
        told = sayagain("explain", "--home", home, row["utterance"])
        assert told.returncode == 2
        assert "is how" in told.stderr
    assert "where_it_hurts" in sayagain("sql", "--home", home).stdout


def test_a_hold_stops_what_approval_lets_serve(home, tmp_path):
    """Seed data without slots: a model of intents is taught in half the time."""
    held = tmp_path / "held"
    shutil.copytree(home, held, ignore=shutil.ignore_patterns("models"))
    known = pl.read_ndjson(held / "seed.jsonl", infer_schema_length=None)
    known.drop("slots").write_ndjson(held / "seed.jsonl")
    assert sayagain("hold", "--home", held, "--because", "release day").stdout == "held\n"
    verdict = json.loads(sayagain("retrain", "--home", held, "--json").stdout)
    assert not verdict["promoted"]
    assert "held by a person: release day" in verdict["because"]
    assert sayagain("predict", "--home", held, stdin="lamp on\n").returncode == 2
    serving = sayagain("approve", "--home", held).stdout.split()[0]
    assert (held / "models" / "champion").read_text() == serving
    assert sayagain("predict", "--home", held, stdin="lamp on\n").returncode == 0
    assert sayagain("hold", "--home", held, "--release").stdout == "released\n"
    refused = sayagain("reject", "--home", held, "no-such-model")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["run", "nowhere.jsonl", "--home", "{tmp}/h"], "nowhere.jsonl: no log file there"),
        (["run", "--home", "{tmp}/h"], "no log: name LOG"),
        (["run", "{tmp}/log.jsonl", "--home", "{tmp}/log.jsonl"], "is a file"),
        (
            ["run", "{tmp}/log.jsonl", "--home", "{tmp}/h", "--engine", "pandas"],
            "known: auto, duckdb, spark",
        ),
        (
            ["run", "{tmp}/log.jsonl", "--home", "{tmp}/h", "--from", "2026-01-05"],
            "need a LOG with {day}",
        ),
        (["run", "{tmp}/{day}", "--home", "{tmp}/h", "--day", "monday"], "write YYYY-MM-DD"),
        (
            ["run", "{tmp}/log.jsonl", "--home", "{tmp}/h", "--config", "{tmp}/bad.toml"],
            "log.colums is unknown; known: columns",
        ),
        (
            ["run", "{tmp}/log.jsonl", "--home", "{tmp}/h", "--seed-data", "{tmp}/log.jsonl"],
            "row 1",
        ),
        (
            ["run", "{tmp}/naive.jsonl", "--home", "{tmp}/h"],
            "field timestamp: has no time zone; write it as RFC 3339",
        ),
        (["retrain", "--home", "{tmp}/none"], "is not a home yet"),
        (["predict", "--home", "{tmp}/none"], "is not a home yet"),
        (["sql", "--home", "{tmp}/none", "select 1"], "sayagain run"),
        (["explain", "--home", "{tmp}/none", "x"], "is not a home yet"),
        (["simulate", "--out", "{tmp}/w", "--locales", "xx"], "known: de-DE"),
        (["simulate", "--out", "{tmp}/w", "--start", "2026-13-05"], "write YYYY-MM-DD"),
        (["simulate", "--out", "{tmp}/log.jsonl"], "cannot be written"),
        (["run", "{tmp}/**.jsonl", "--home", "{tmp}/h"], "is not a glob"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(tmp_path, args, told):
    write_log(tmp_path / "log.jsonl", [turn("ann", 0, "lamp on")])
    write_log(
        tmp_path / "naive.jsonl", [turn("ann", 0, "a") | {"timestamp": "2026-01-05T08:00:00"}]
    )
    (tmp_path / "bad.toml").write_text("[log]\ncolums = {}\n")
    done = sayagain(*(a.replace("{tmp}", str(tmp_path)) for a in args))
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "h" / "lake" / "turns").exists()


def test_brackets_in_what_was_said_are_shown_as_they_are(home):
    done = sayagain("sql", "--home", home, "select 'play [/x] on [red]lamp' as said")
    assert done.returncode == 0, done.stderr
    assert "play [/x] on [red]lamp" in done.stdout


def test_missed_nights_are_caught_up(tmp_path):
    for day in (5, 6, 7):
        rows = [turn("ann", n + (day - 5) * 86_400, f"lamp {n}") for n in range(3)]
        write_log(tmp_path / f"2026-01-0{day}.jsonl", rows)
    log = f"{tmp_path}/{{day}}.jsonl"
    done = sayagain(
        "run", log, "--home", tmp_path / "h", "--from", "2026-01-05", "--to", "2026-01-07"
    )
    assert done.returncode == 0, done.stderr
    days = sorted(p.name for p in (tmp_path / "h" / "lake" / "runs").iterdir())
    assert days == [f"day=2026-01-0{d}" for d in (5, 6, 7)]
    missing = sayagain("run", log, "--home", tmp_path / "h", "--day", "2026-01-08")
    assert missing.returncode == 2
    assert "2026-01-08.jsonl: no log file" in missing.stderr


@pytest.mark.parametrize(
    "asked",
    [
        ["run", "{log}", "--home", "s3://bucket/home"],
        ["export", "--home", "{home}", "--out", "gs://bucket/set"],
        ["simulate", "--out", "abfss://box@store/world"],
    ],
)
def test_an_address_is_no_folder(home, small_world, tmp_path, asked):
    log = small_world / "log.jsonl.gz"
    done = subprocess.run(
        [sys.executable, "-m", "flows", *(a.format(log=log, home=home) for a in asked)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "is an address" in line
    assert not list(tmp_path.iterdir())
