"""Vectors made once, clusters that keep their ids, and what a person decided about them."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows import reviewing, runs, settings
from flows.cli import app
from logs import turn, write_log
from mining.clustering import encoder
from warehouse.errors import BadInput
from warehouse.home import Home, read_training_set, training_versions
from warehouse.lake import Lake

LAMP = ["lamp on please", "lamp on", "please lamp on now", "the lamp on"]
NEWS = ["what is new", "tell me what is new", "so what is new"]
DAY = 86_400


def direct(step, *args):
    return step(*args)


def night(home: Path, log: Path, **mining: object):
    chosen = settings.Settings(mining=settings.Mining(similarity_threshold=0.3, **mining))  # type: ignore[arg-type]
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
    encoder.learn(encoder.Lessons(LAMP + NEWS, encoder.NO_PAIRS)).save(tmp_path / "given")
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
    reviewing.decide(home, [reviewing.OfCluster(cluster_id=lamp, verdict="rejected")])
    reviewing.decide(home, [reviewing.OfCluster(cluster_id=lamp, name="lamps")])
    night(home, log_of(tmp_path, 1, ["the lamp on now", *NEWS]))
    assert cluster_of(home, "the lamp on now") == lamp
    (row,) = Lake(home / "lake").newest("cluster_reviews").iter_rows(named=True)
    assert (row["cluster_id"], row["verdict"], row["name"]) == (lamp, "rejected", "lamps")
    lake = Lake(home / "lake")
    parted = reviewing.accepted(lake, lake.days("clusters")[-1])
    mine = parted.filter(pl.col("utterance").is_in(LAMP))
    assert mine["cluster_id"].n_unique() == len(LAMP)
    asked = CliRunner().invoke(
        app, ["sql", "--home", str(home), "--json", "select name, verdict from clusters"]
    )
    assert {"name": "lamps", "verdict": "rejected"} in json.loads(asked.stdout)


def ask(home: Path, *options: str) -> Any:
    done = CliRunner().invoke(app, ["review", "--home", str(home), *options])
    assert done.exit_code == 0, done.exception
    return done.stdout


def test_review_lists_and_decides(home):
    lamp = cluster_of(home, "lamp on")
    listed = [row for row in json.loads(ask(home, "--json")) if row["kind"] == "cluster"]
    assert {row["cluster_id"] for row in listed} == {lamp, cluster_of(home, "what is new")}
    ask(home, "--cluster", lamp, "--accept", "--name", "on")
    listed = [row for row in json.loads(ask(home, "--json")) if row["kind"] == "cluster"]
    assert {row["cluster_id"] for row in listed} == {cluster_of(home, "what is new")}
    (mine,) = json.loads(ask(home, "--decided", "--json"))
    assert (mine["cluster_id"], mine["verdict"], mine["name"]) == (lamp, "accepted", "on")


def test_what_waits_is_written_filled_in_and_read_again(home, tmp_path):
    place = tmp_path / "waiting.jsonl"
    ask(home, "--out", str(place))
    rows = [json.loads(line) for line in place.read_text().splitlines()]
    clusters = [row for row in rows if row["kind"] == "cluster"]
    assert len(clusters) == 2
    assert reviewing.read(place) == []
    clusters[0]["verdict"] = "rejected"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert (
        ask(home, "--from", str(place))
        == "1 decisions: remembered; they count from the next run on\n"
    )
    verdicts = Lake(home / "lake").newest("cluster_reviews")
    assert verdicts.select("cluster_id", "verdict").rows() == [
        (clusters[0]["cluster_id"], "rejected")
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"kind": "cluster", "cluster_id": "none", "verdict": "accepted"}', "none: is no cluster"),
        (
            '{"kind": "label", "locale": "en-GB", "utterance": "lamp on", "verdict": "accepted"}',
            "row 2, field label: Field required",
        ),
        ('{"kind": "cluster", "cluster_id": "x", "verdict": "yes"}', "row 2, field verdict"),
        ('{"kind": "planet", "verdict": "accepted"}', "row 2, field kind"),
        ("no JSON", "row 2: is not JSON"),
        (
            '{"kind": "label", "locale": "en-GB", "utterance": "never", "label": "x", "verdict": "accepted"}',
            "'never' (en-GB): was not said",
        ),
    ],
)
def test_a_file_with_one_wrong_row_decides_nothing(home, tmp_path, line, told):
    good = {"kind": "cluster", "cluster_id": cluster_of(home, "lamp on"), "verdict": "accepted"}
    place = tmp_path / "wrong.jsonl"
    place.write_text(json.dumps(good) + "\n" + line + "\n")
    with pytest.raises(BadInput) as caught:
        reviewing.decide(home, reviewing.read(place))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert Lake(home / "lake").newest("cluster_reviews").is_empty()


def test_an_accepted_label_enters_and_a_rejected_one_does_not_and_both_stay(home, tmp_path):
    whole = {"locale": "en-GB", "utterance": "the lamp on"}
    reviewing.decide(home, [reviewing.OfLabel(**whole, label="x", verdict="rejected")])
    sure = {"locale": "en-GB", "utterance": "lamp on"}
    reviewing.decide(home, [reviewing.OfLabel(**sure, label="lights", verdict="accepted")])
    for day in (1, 2):
        night(home, log_of(tmp_path, day, LAMP + NEWS))
        examples = read_training_set(Home(home), training_versions(Home(home))[-1])
        (mine,) = examples.filter(utterance="lamp on").to_dicts()
        assert (mine["labels"], mine["probabilities"], mine["weight"]) == (["lights"], [1.0], 1.0)
        assert mine["sources"] == ["person"]
        (other,) = examples.filter(utterance="please lamp on now").to_dicts()
        assert other["labels"][0] == "x"
        left = examples.filter(utterance="the lamp on")["labels"].to_list()
        assert all("x" not in labels for labels in left)


def test_a_changed_mind_counts_and_a_wording_has_one_accepted_label(home):
    lake, sure = Lake(home / "lake"), {"locale": "en-GB", "utterance": "lamp on"}
    for label in ("lights", "fans", "lights", "heat"):
        reviewing.decide(home, [reviewing.OfLabel(**sure, label=label, verdict="accepted")])
    (night_of,) = lake.days("clusters")
    told = reviewing.labelled(lake, night_of, lake.newest("soft_labels")).filter(
        utterance="lamp on"
    )
    assert told.select("label", "probability").rows() == [("heat", 1.0)]


def test_a_rejected_rewrite_never_runs_again(home):
    """Also where it runs already."""
    lake, key = Lake(home / "lake"), {"locale": "en-GB", "utterance": "lamp on"}
    (night_of,) = lake.days("clusters")
    rows = pl.DataFrame(
        [("en-GB", "lamp on", "the lamp on"), ("en-GB", "lamp on", "please lamp on now")],
        ["locale", "source", "target"],
        orient="row",
    )
    reviewing.decide(home, [reviewing.OfRewrite(**key, target="the lamp on", verdict="rejected")])
    kept = reviewing.rewritten(lake, night_of, rows)
    assert kept["target"].to_list() == ["please lamp on now"]
    reviewing.decide(home, [reviewing.OfRewrite(**key, target="the lamp on", verdict="accepted")])
    assert reviewing.rewritten(lake, night_of, rows).equals(rows)
