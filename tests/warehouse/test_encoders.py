"""Encoders that the settings name: what is asked, what is kept, what is refused."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from embedding_server import WIDTH, Server, hashes, serving, told
from hypothesis import given
from hypothesis import strategies as st

from flows.settings import Settings
from warehouse.common import endpoint
from warehouse.common.digests import digest
from warehouse.encoders import server as asking
from warehouse.encoders.centres import CentredEncoder, Centres
from warehouse.encoders.encoder import EncoderConfig, unit
from warehouse.encoders.kept import PROBES, Kept, retain
from warehouse.encoders.server import KEY, MOST_LETTERS
from warehouse.errors import BadInput

pytestmark = pytest.mark.quick

SAID = [f"play song {n}" for n in range(40)]


class Hashing:
    """An encoder that counts what it is asked for."""

    size = 0

    def __init__(self, version: str = "hashing", turned: float = 0.0) -> None:
        self.version, self.turned, self.asked = version, turned, []

    def embed(self, wordings):
        self.asked += wordings
        if not wordings:
            return np.zeros((0, WIDTH), np.float32)
        return unit(hashes(wordings) + self.turned)


def asked_of(address: str, **more) -> asking.Server:
    return asking.Server(EncoderConfig(address, model="m", **more))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits for a server in a test."""
    monkeypatch.setattr(endpoint, "wait", lambda state: 0.0)


def test_a_server_is_asked_within_its_limits_and_its_order_is_mended():
    def shuffled(server, texts):
        if len(texts) > 7:
            return None
        order = np.random.default_rng(0).permutation(len(texts)).tolist()
        return 200, told(server.embed(texts), order), {}

    with serving(Server(most=7, misbehave=shuffled)) as server:
        found = asked_of(server.address, prompt="query: ").embed(SAID)
        assert np.allclose(found, unit(hashes([f"query: {u}" for u in SAID])), atol=1e-6)
        assert {len(r) for r in server.requests[-5:]} <= {5, 7, 4, 3, 2}
        assert server.models == {"m"}


def test_the_key_is_sent_and_told_to_nobody(monkeypatch):
    monkeypatch.setenv(KEY, "sesame")
    with serving(Server(misbehave=lambda *_: (401, b"no", {}))) as server:
        with pytest.raises(BadInput, match="HTTP 401") as told_of:
            asked_of(server.address).embed(["a"])
        assert server.headers[0]["authorization"] == "Bearer sesame"
        assert "sesame" not in str(told_of.value)


def test_a_busy_server_is_asked_again():
    def busy(server, texts):
        return (429, b"later", {"retry-after": "0"}) if len(server.requests) < 3 else None

    with serving(Server(misbehave=busy)) as server:
        assert asked_of(server.address).embed(["a"]).shape == (1, WIDTH)
        assert len(server.requests) == 3


def test_what_a_server_asks_one_to_wait_is_bounded():
    assert endpoint._seconds("7") == 7.0
    for odd in ("-1", "inf", "nan", "Wed, 21 Oct 2026 07:28:00 GMT", None):
        assert endpoint._seconds(odd) is None


ODD = {
    "no answer": (503, b"", {}, "HTTP 503"),
    "moved": (302, b"", {"location": "http://127.0.0.1:1/"}, "HTTP 302"),
    "not JSON": (200, b"<html>", {}, "not what was asked for"),
    "too few": (200, told(hashes(["a"])), {}, "asked for 2 vectors"),
    "twice": (200, json.dumps({"data": [{"index": 0, "embedding": [1.0]}] * 2}).encode(), {}, "2"),
    "widths": (
        200,
        json.dumps({"data": [{"index": i, "embedding": [1.0] * (1 + i)} for i in (0, 1)]}).encode(),
        {},
        "several widths",
    ),
    "zeros": (200, told(np.zeros((2, 3))), {}, "zeros"),
    "too large": (200, told(np.full((2, 3), 1e39)), {}, "no numbers"),
    "no words": (422, b"call dr schmidt", {}, "HTTP 422$"),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_is_one_line_and_no_vector(odd):
    *answer, why = ODD[odd]
    with serving(Server(misbehave=lambda *_: tuple(answer))) as server:
        with pytest.raises(BadInput, match=why) as told_of:
            asked_of(server.address).embed(["a", "b"])
        assert "\n" not in str(told_of.value)
        assert len(server.requests) <= endpoint.ATTEMPTS


def test_nobody_there_is_one_line():
    with pytest.raises(BadInput, match="ConnectError, 6 times"):
        asked_of("http://127.0.0.1:1/v1").embed(["a"])


def test_an_endless_answer_is_left():
    body = {"model": "m", "input": ["a"]}
    with serving(Server()) as server:
        short = endpoint.Endpoint(server.address, "x", KEY, 5.0, largest=100)
        assert asked_of(server.address).embed(["a"]).shape == (1, WIDTH)
        with pytest.raises(BadInput, match="does not end"):
            short.post("embeddings", body)


@given(st.lists(st.integers(1, MOST_LETTERS), max_size=12), st.integers(1, 5))
def test_batches_hold_all_wordings_in_order_and_fit(lengths, most):
    wordings, at, found = ["x" * n for n in lengths], 0, []
    while at < len(wordings):
        batch = asking._batch(wordings, at, most)
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(map(len, batch)) <= MOST_LETTERS
        found += batch
        at += len(batch)
    assert found == wordings


@given(st.lists(st.lists(st.sampled_from(SAID), max_size=6), max_size=5))
def test_what_is_kept_is_what_the_encoder_says_and_is_asked_once(tmp_path_factory, requests):
    folder = tmp_path_factory.mktemp("vectors")
    asked = Hashing()
    for some in requests:
        found = Kept(asked, folder).embed(some)  # each time as after a new start
        assert np.allclose(found, Hashing().embed(some), atol=2e-3)
    every = [u for some in requests for u in some]
    assert sorted(u for u in asked.asked if u not in PROBES) == sorted(set(every))


def test_vectors_made_before_a_run_was_killed_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr("warehouse.encoders.kept.AT_ONCE", 10)
    asked = Hashing()
    inner, left = asked.embed, [3]

    def dies(wordings):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return inner(wordings)

    asked.embed = dies
    with pytest.raises(KeyboardInterrupt):
        Kept(asked, tmp_path).embed(SAID)
    again = Kept(Hashing(), tmp_path)
    assert np.allclose(again.embed(SAID), Hashing().embed(SAID), atol=2e-3)
    assert again.made == len(SAID) - 20


def test_another_model_behind_the_same_name_is_noticed(tmp_path):
    Kept(Hashing(), tmp_path).embed(SAID[:3])
    other = Kept(Hashing(turned=1.0), tmp_path)
    assert np.allclose(other.embed(SAID[:3]), Hashing().embed(SAID[:3]), atol=2e-3)
    with pytest.raises(BadInput, match=r"another model answers .* encoder.revision"):
        other.embed(SAID)
    assert Kept(Hashing("hashing-2", 1.0), tmp_path).embed(SAID).shape == (40, WIDTH)


def test_what_must_leave_no_trace_leaves_none(tmp_path):
    Kept(Hashing(), tmp_path / "none", trace=False).embed(SAID)
    assert not (tmp_path / "none").exists()
    Kept(Hashing(), tmp_path).embed(SAID[:3])
    place = tmp_path / "hashing.sqlite"
    before = place.read_bytes()
    asked = Hashing()
    Kept(asked, tmp_path, trace=False).embed(SAID[:5])
    assert sorted(set(asked.asked) - set(PROBES)) == SAID[3:5]
    assert place.read_bytes() == before


def test_an_erased_text_leaves_neither_hash_nor_vector(tmp_path):
    Kept(Hashing(), tmp_path).embed(SAID)
    retain(tmp_path, {digest(u) for u in SAID[5:]})
    with closing(sqlite3.connect(tmp_path / "hashing.sqlite")) as kept:
        held = {row[0] for row in kept.execute("SELECT content FROM vectors")}
    assert held == {digest(u) for u in SAID[5:]}
    raw = (tmp_path / "hashing.sqlite").read_bytes()
    assert not any(digest(u).encode() in raw for u in SAID[:5])


def test_a_damaged_file_is_one_line(tmp_path):
    (tmp_path / "hashing.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BadInput, match=r"hashing.sqlite: cannot be read .* delete it"):
        Kept(Hashing(), tmp_path).embed(["a"])


def test_a_wording_lies_where_its_meaning_does_whatever_its_locale():
    """Two locales, each far from the other in a direction of its own: a wording's nearest in the other locale is the
    one of the same meaning only once each is taken from its own centre."""
    meanings = hashes([f"meaning {n}" for n in range(30)])
    apart = 30 * unit(hashes(["en", "ja"]))
    vectors = unit(np.concatenate([meanings + apart[0], meanings + apart[1]]))
    locales = ["en"] * 30 + ["ja"] * 30
    assert (vectors[:30] @ vectors[30:].T).argmax(axis=1).tolist() != list(range(30))
    centred = Centres.found(locales, vectors).centred(locales, vectors)
    assert (centred[:30] @ centred[30:].T).argmax(axis=1).tolist() == list(range(30))


@given(
    st.lists(st.sampled_from(["en", "ja", "sw"]), min_size=1, max_size=60),
    st.integers(0, 2**32 - 1),
)
def test_a_centre_lies_between_its_locales_mean_and_that_of_all(locales, seed):
    """The nearer to its own, the more was said there."""
    vectors = unit(np.random.default_rng(seed).standard_normal((len(locales), 8)))
    found = Centres.found(locales, vectors)
    assert found.locales == tuple(sorted(set(locales)))
    shares = []
    for row, name in enumerate(found.locales):
        mine = vectors[[at == name for at in locales]]
        mean, pooled = mine.mean(axis=0), found.of[-1]
        way = mean - pooled
        share = float((found.of[row] - pooled) @ way / max(way @ way, 1e-12))
        assert np.allclose(found.of[row], pooled + share * way, atol=1e-5)
        assert -1e-4 <= share <= 1 + 1e-4
        if way @ way > 1e-6:
            shares.append((len(mine), share))
    assert all(a[1] <= b[1] + 1e-3 for a in shares for b in shares if a[0] < b[0])
    placed = found.centred([*locales, None, "xx"], np.vstack([vectors, vectors[:1], vectors[:1]]))
    assert np.allclose(placed[-1], placed[-2])
    length = np.linalg.norm(placed, axis=1)
    assert np.all((length < 1e-4) | (abs(length - 1) < 1e-4))


def test_without_centres_vectors_are_taken_as_they_are():
    assert np.array_equal(CentredEncoder(Hashing()).embed(SAID), Hashing().embed(SAID))


@pytest.mark.parametrize(
    ("mining", "encoder", "why"),
    [
        ({"encoder": "https://embed.example/v1"}, {"model": "m"}, "another machine"),
        ({"encoder": "http://embed.example/v1"}, {"model": "m", "allow_remote": True}, "https"),
        ({"encoder": "http://127.0.0.1:8080/v1"}, {}, "encoder.model must name"),
        ({"encoder": "folder"}, {"model": "m"}, "is no address"),
        ({"encoder": "http://u:p@localhost/v1"}, {"model": "m"}, "no secret"),
        ({"encoder": "http://localhost/v1", "fine_tune": True}, {"model": "m"}, "cannot teach"),
        ({"encoder": "folder", "fine_tune": True}, {"dimensions": 8}, "all dimensions"),
    ],
)
def test_settings_that_would_send_words_away_or_mean_nothing_are_refused(mining, encoder, why):
    with pytest.raises(ValueError, match=why):
        Settings.model_validate({"mining": mining, "encoder": encoder})


@pytest.mark.parametrize(
    ("voter", "why"),
    [
        ({"address": "https://llm.example/v1", "model": "m"}, "another machine"),
        ({"address": "http://llm.example/v1", "model": "m", "allow_remote": True}, "https"),
        ({"address": "http://localhost/v1"}, "both address and model"),
        ({"model": "m"}, "both address and model"),
        ({"address": "http://u:p@localhost/v1", "model": "m"}, "no secret"),
    ],
)
def test_a_model_that_is_asked_is_as_guarded(voter, why):
    with pytest.raises(ValueError, match=why):
        Settings.model_validate({"voter": voter})


def test_words_go_elsewhere_only_where_the_settings_say_so():
    Settings.model_validate(
        {
            "mining": {"encoder": "https://embed.example/v1"},
            "encoder": {"model": "m", "allow_remote": True},
        }
    )
