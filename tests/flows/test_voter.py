"""A model that is asked over HTTP: one that answers well, badly, slowly, with other words, and not at all. The server
stands in for a large language model, which would not fit in here."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest
from embedding_server import Server, serving

from flows import runs
from flows.pipeline import directly
from flows.settings import Settings
from flows.steps import voter as asking
from logs import turn, write_log
from warehouse.common import endpoint
from warehouse.common.digests import digest
from warehouse.home import Home
from warehouse.lake import Lake

TREES = ["aster", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak"]
ODD = [f"glim the {tree}" for tree in TREES]
LAMP = [f"lamp on {tree}" for tree in TREES]
KEY = ["locale", "utterance"]


@pytest.fixture
def log(tmp_path) -> Path:
    """Six people say each wording; what nobody understood stands under no intent."""
    rows = [
        turn(
            f"user {n}",
            600 * (n + 10 * place),
            wording,
            intent=None if wording in ODD else "lamp",
            outcome="failure" if wording in ODD else "success",
        )
        for place, wording in enumerate([*LAMP, *ODD])
        for n in range(6)
    ]
    rows.append(turn("alone", 9, "call eve at 555 0199 now"))
    return write_log(tmp_path / "log.jsonl", rows)


@pytest.fixture
def seed(tmp_path) -> Path:
    rows = [{"locale": "en-GB", "utterance": w, "intent": "lamp"} for w in ("lamp on", "light it")]
    rows += [{"locale": "en-GB", "utterance": w, "intent": "news"} for w in ("what is new", "news")]
    return write_log(tmp_path / "seed.jsonl", rows)


def saying(words: str, tokens: int = 7) -> tuple[int, bytes, dict[str, str]]:
    body = {"choices": [{"message": {"content": words}}], "usage": {"total_tokens": tokens}}
    return 200, json.dumps(body).encode(), {}


def model(misbehave) -> Server:
    """A chat server: what it was asked is the last message of each request."""

    class Chat(Server):
        def answer(self, body, headers):
            assert body["temperature"] == 0
            self.requests.append([m["content"] for m in body["messages"]])
            self.headers.append(headers)
            return misbehave(self, body)

    return Chat()


def night(home: Path, log: Path, seed: Path, server: Server, **how: object) -> Lake:
    voter = {"address": server.address, "model": "m", **how}
    settings = Settings.model_validate({"voter": voter, "min_users": {"published": 5}})
    outcome = runs.run_night(runs.Request([str(log)], home, seed_data=seed), settings, directly)
    assert outcome.status == "completed"
    return Lake(home / "lake")


def asked(server: Server) -> list[str]:
    return [said[-1] for said in server.requests]


def rightly(_: Server, body: dict) -> tuple[int, bytes, dict[str, str]]:
    return saying("lamp" if "lamp" in body["messages"][-1]["content"] else "news")


def believed(lake: Lake, label: str) -> pl.Series:
    """How probable the label is of each wording that nobody understood."""
    rows = lake.newest("soft_labels").filter(pl.col("utterance").is_in(ODD), label=label)
    every = pl.DataFrame({"utterance": sorted(ODD)})
    return every.join(rows, on="utterance", how="left")["probability"].fill_null(0.0)


def test_what_many_say_and_nobody_understood_is_asked_once_and_believed(tmp_path, log, seed):
    with serving(model(rightly)) as server:
        lake = night(tmp_path / "home", log, seed, server)
        runs.run_night(
            runs.Request([str(log)], tmp_path / "mute", seed_data=seed), Settings(), directly
        )
        mute = believed(Lake(tmp_path / "mute" / "lake"), "news")
        assert (believed(lake, "news") > mute + 0.05).all()
        assert set(ODD) <= set(asked(server))
        assert not [q for q in asked(server) if "eve" in q], "said by one person"
        first = len(server.requests)
        run = lake.newest("runs").row(0, named=True)
        assert (run["voter_requests"], run["voter_tokens"]) == (first, 7 * first)
        with duckdb.connect(tmp_path / "home" / "warehouse.duckdb", read_only=True) as warehouse:
            (told,) = warehouse.sql("select voter_requests, voter_tokens from runs").fetchall()
        assert told == (5 * round(first / 5), 5 * round(7 * first / 5))
        night(tmp_path / "home", log, seed, server)
        assert len(server.requests) == first


def test_an_answer_counts_on_however_sure_it_made_the_label(tmp_path, log, seed):
    """The next night asks nothing, for nothing is unsure any more; what was answered is a vote still."""
    with serving(model(lambda *_: saying("news"))) as server:
        first = night(tmp_path / "home", log, seed, server)
        before = first.newest("voter_answers").filter(pl.col("utterance").is_in(ODD))
        more = write_log(tmp_path / "more.jsonl", [turn("late", 300_000, ODD[0])])
        second = night(tmp_path / "home", more, seed, server)
        assert len(second.days("voter_answers")) == 2
        after = second.newest("voter_answers").filter(pl.col("utterance").is_in(ODD))
    assert before.height == len(ODD)
    assert sorted(after["utterance"]) == sorted(before["utterance"])


def test_more_tokens_than_there_are_are_not_believed(tmp_path, log, seed):
    with serving(model(lambda *_: saying("news", 2**62))) as server:
        lake = night(tmp_path / "home", log, seed, server)
    spent = lake.newest("voter_requests").row(0, named=True)
    assert spent["tokens"] == spent["requests"] * asking.MOST_TOKENS


def test_numbers_are_masked_before_they_are_sent(tmp_path, log, seed):
    with serving(model(lambda *_: saying("news"))) as server:
        rows = [turn(f"user {n}", 9_000 + n, "glim gate 4711") for n in range(6)]
        more = write_log(tmp_path / "more.jsonl", rows)
        log.write_text(log.read_text() + more.read_text())
        night(tmp_path / "home", log, seed, server)
    gates = [q for q in asked(server) if q.startswith("glim gate")]
    assert len(gates) == 1
    assert "4711" not in str(server.requests)


def test_no_more_is_spent_than_the_budget(tmp_path, log, seed):
    with serving(model(lambda *_: saying("NONE"))) as server:
        night(tmp_path / "home", log, seed, server, requests=3)
        assert len(server.requests) == 3
        night(tmp_path / "home", log, seed, server, requests=3)
        assert len(server.requests) == 3, "the same night"


BAD = {
    "other words": saying("I cannot say; it may be the lamp, or the news"),
    "no choice": (200, b'{"choices": []}', {}),
    "no text": (200, b'{"choices": [{"message": {"content": null}}]}', {}),
    "cut": (200, b'{"choices": [{"message": {"content": "news"}, "finish_reason": "length"}]}', {}),
    "not UTF-8": (200, b'{"choices": [{"message": {"content": "\xff"}}]}', {}),
    "nested": (200, b'{"choices":' + b"[" * 100_000, {}),
    "not JSON": (200, b"<html>", {}),
    "too long": (400, b"context length", {}),
    "broken": (500, b"", {}),
}


@pytest.mark.parametrize("bad", BAD)
def test_an_answer_of_no_use_is_no_vote_and_no_failed_night(tmp_path, log, seed, bad):
    with serving(model(lambda *_: BAD[bad])) as server:
        lake = night(tmp_path / "home", log, seed, server)
    assert lake.newest("voter_answers").is_empty()
    assert server.requests
    if bad != "other words":
        assert len(server.requests) == asking.PATIENCE


def test_a_slow_model_is_left(tmp_path, log, seed, monkeypatch):
    monkeypatch.setattr(endpoint.httpx, "stream", _late)
    with serving(model(lambda *_: saying("news"))) as server:
        lake = night(tmp_path / "home", log, seed, server)
    assert not server.requests
    assert lake.newest("voter_requests")["requests"].item() == asking.PATIENCE


def _late(*_, timeout: float, **__):
    assert timeout == 30.0
    raise endpoint.httpx.ReadTimeout("late")


def test_a_killed_night_asks_nothing_twice(tmp_path, log, seed):
    class KilledError(BaseException):
        pass

    with serving(model(lambda *_: saying("news"))) as server:
        inner, left = asking._Voter.answer, [4]

        def mortal(self, question):
            left[0] -= 1
            if left[0] < 0:
                raise KilledError
            return inner(self, question)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asking._Voter, "answer", mortal)
            with pytest.raises(KilledError):
                night(tmp_path / "home", log, seed, server)
        before = asked(server)
        assert len(before) == 4
        night(tmp_path / "home", log, seed, server)
        assert len(asked(server)) == len(set(asked(server)))


def test_answers_of_an_erased_wording_are_erased(tmp_path, log, seed):
    with serving(model(lambda *_: saying("news"))) as server:
        night(tmp_path / "home", log, seed, server)
        with closing(sqlite3.connect(Home(tmp_path / "home").voter)) as kept:
            held = {row[0] for row in kept.execute("SELECT content FROM answers")}
        assert {digest(u) for u in ODD} <= held
        settings = Settings.model_validate({"privacy": {"retention_days": 1}})
        for day in (40, 50, 60):
            rows = [turn("u", day * 86_400, "lamp on elm")]
            later = write_log(tmp_path / f"{day}.jsonl", rows)
            request = runs.Request([str(later)], tmp_path / "home", seed_data=seed)
            runs.run_night(request, settings, directly)
    with closing(sqlite3.connect(Home(tmp_path / "home").voter)) as kept:
        held = {row[0] for row in kept.execute("SELECT content FROM answers")}
    assert not held & {digest(u) for u in ODD}
