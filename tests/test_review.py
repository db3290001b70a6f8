"""Vectors made once, clusters that keep their ids, and what a person decided about them."""

import json
import shutil
import socket
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows import reviewing, runs, settings
from flows.cli import app
from logs import turn, write_log
from mining import encoder
from warehouse.lake import Lake

LAMP = ["lamp on please", "lamp on", "please lamp on now", "the lamp on"]
NEWS = ["what is new", "tell me what is new", "so what is new"]
DAY = 86_400


def direct(step, *args):
    return step(*args)


def night(home: Path, log: Path, **mining: object):
    chosen = settings.Settings(mining=settings.Mining(similar=0.3, **mining))  # type: ignore[arg-type]
    return runs.run_night(runs.Request([str(log)], home, engine="duckdb"), chosen, direct)


def log_of(folder: Path, day: int, wordings: list[str]) -> Path:
    rows = [
        turn(f"user {n} {w}", day * DAY + 400 * n, w, intent="x", outcome="success")
        for w in wordings
        for n in range(6)
    ]
    return write_log(folder / f"{day}.jsonl", rows)


@pytest.fixture(scope="module")
def one_night(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    night(folder / "home", log_of(folder, 0, LAMP + NEWS))
    return folder / "home"


@pytest.fixture
def home(one_night, tmp_path) -> Path:
    shutil.copytree(one_night, tmp_path / "home")
    return tmp_path / "home"


def cluster_of(home: Path, wording: str) -> str:
    rows = Lake(home / "lake").newest("clusters")
    return rows.filter(utterance=wording)["cluster_id"].item()


def test_a_night_touches_no_network(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert night(tmp_path / "home", log_of(tmp_path, 0, LAMP)).status == "completed"


def test_what_is_alike_is_together_tonight_and_tomorrow(home, tmp_path):
    lamp, news = cluster_of(home, "lamp on"), cluster_of(home, "what is new")
    assert {cluster_of(home, w) for w in LAMP} == {lamp} != {news}
    night(home, log_of(tmp_path, 1, ["the lamp on now", "what is new today"]))
    assert cluster_of(home, "lamp on") == cluster_of(home, "the lamp on now") == lamp
    assert cluster_of(home, "what is new") == news
    shares = Lake(home / "lake").newest("clusters").group_by("cluster_id").agg(pl.sum("share"))
    assert shares["share"].to_list() == pytest.approx([1.0] * shares.height)


def test_a_given_encoder_embeds_only_what_is_new(tmp_path):
    """And a wording of two locales once."""
    encoder.save(encoder.learn(encoder.Lessons(LAMP + NEWS, encoder.NO_PAIRS)), tmp_path / "given")
    given = str(tmp_path / "given")
    night(tmp_path / "home", log_of(tmp_path, 0, LAMP), encoder=given)
    lake = Lake(tmp_path / "home" / "lake")
    assert sorted(lake.newest("embeddings")["utterance"]) == sorted(LAMP)
    rows = [turn("u", DAY, w, locale="en-US") for w in (*NEWS, LAMP[0])]
    night(tmp_path / "home", write_log(tmp_path / "1.jsonl", rows), encoder=given)
    first, second = (lake.read("embeddings", [d]) for d in lake.days("embeddings"))
    assert sorted(second["utterance"]) == sorted([*NEWS, LAMP[0]])
    assert set(second["locale"]) == {"en-US"}
    shared = pl.concat([first, second]).filter(utterance=LAMP[0])
    assert shared["vector"].n_unique() == 1
    assert lake.newest("clusters").height == len(LAMP) + len(NEWS) + 1


def test_a_rejected_cluster_speaks_for_no_one_and_stays_rejected(home, tmp_path):
    lamp = cluster_of(home, "lamp on")
    reviewing.decide(home, lamp, "rejected", None)
    reviewing.decide(home, lamp, None, "lamps")
    night(home, log_of(tmp_path, 1, ["the lamp on now", *NEWS]))
    assert cluster_of(home, "the lamp on now") == lamp
    (row,) = Lake(home / "lake").newest("verdicts").iter_rows(named=True)
    assert (row["cluster_id"], row["verdict"], row["name"]) == (lamp, "rejected", "lamps")
    lake = Lake(home / "lake")
    parted = reviewing.accepted(lake, lake.days("clusters")[-1])
    mine = parted.filter(pl.col("utterance").is_in(LAMP))
    assert mine["cluster_id"].n_unique() == len(LAMP)
    asked = CliRunner().invoke(
        app, ["sql", "--home", str(home), "--json", "select name, verdict from clusters"]
    )
    assert {"name": "lamps", "verdict": "rejected"} in json.loads(asked.stdout)


def test_review_lists_and_decides(home):
    run = CliRunner().invoke
    lamp = cluster_of(home, "lamp on")
    listed = json.loads(run(app, ["review", "--home", str(home), "--json"]).stdout)
    assert {row["cluster_id"] for row in listed} == {lamp, cluster_of(home, "what is new")}
    told = run(app, ["review", "--home", str(home), "--cluster", lamp, "--accept", "--name", "on"])
    assert told.exit_code == 0
    listed = json.loads(run(app, ["review", "--home", str(home), "--json"]).stdout)
    (mine,) = [row for row in listed if row["cluster_id"] == lamp]
    assert (mine["verdict"], mine["name"], mine["wordings"]) == ("accepted", "on", len(LAMP))
