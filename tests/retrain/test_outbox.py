"""A training set's message reaches each receiver once, whatever crashes, fails, hangs or is lost."""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.runs import receivers_of
from flows.settings import Settings
from retrain.delivery import outbox, receivers
from retrain.delivery.commands import SECRET
from retrain.delivery.outbox import Message, Post, UnheardError
from retrain.delivery.receivers import Command, Webhook
from retrain.registry import overrides
from warehouse.errors import BadInput
from warehouse.home import Home, alone, create
from warehouse.lake import Lake
from warehouse.ledger import Ledger

NIGHT, VERSION = "2026-01-05", "2026-01-05-0001-abcdef01"
KEY = b"a key of thirty-two bytes, or so"
GIVEN_UP = 40  # runs after which every schedule must have come to its end
MESSAGE = Message("msg_1", "HOME", VERSION, NIGHT, ["enough"])


class Server(ThreadingHTTPServer):
    """A receiver that answers as told: a status; `hang`; or `lose`, to take the message and drop the
    line. It keeps one of each id, as an idempotent receiver does, and counts what it was sent."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int | str] = []
        self.taken: dict[str, bytes] = {}
        self.sent: list[dict[str, str]] = []
        self.end = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/due"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        self.server.sent.append({k.lower(): v for k, v in self.headers.items()})
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if answer == "hang":
            self.server.end.wait(30)
            return
        key = self.headers["webhook-id"]
        if answer == 200 and key in self.server.taken:
            answer = 409
        if answer in (200, "lose"):
            self.server.taken[key] = content
        if answer != "lose":
            self.send_response(int(answer))
            self.send_header("content-length", "0")
            self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as receiver:
        threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
        yield receiver
        receiver.end.set()
        receiver.shutdown()


@pytest.fixture
def home(tmp_path) -> Home:
    return create(tmp_path / "home")


def hook(server: Server, seconds: float = 5.0) -> Webhook:
    return Webhook(server.url, KEY, seconds, lambda: 1_700_000_000.0)


def posted(home: Home, *names: str) -> None:
    outbox.post(home, NIGHT, VERSION, ["enough"], names or ("webhook",))


def deliver(home: Home, **to: outbox.Receiver) -> list[dict[str, str]]:
    return Post(home, to, pause=lambda _: None).deliver()


class CrashError(BaseException):
    """The process dies here."""


class Crashes:
    """Dies at chosen calls of what it wraps, before or after they are done."""

    def __init__(self, places: list[tuple[int, bool]]) -> None:
        self.places = dict(places)
        self.calls = 0

    def around(self, work):
        def call(*args, **kwargs):
            late = self.places.get(self.calls)
            self.calls += 1
            if late is False:
                raise CrashError
            result = work(*args, **kwargs)
            if late:
                raise CrashError
            return result

        return call


CALLS = st.tuples(st.integers(0, 60), st.booleans())
ANSWERS = st.lists(st.sampled_from([200, 200, 500, 503, 429, "lose"]), max_size=8)


@settings(max_examples=200)
@given(places=st.lists(CALLS, max_size=6), webhook=ANSWERS, ended=ANSWERS)
def test_one_receipt_each_whatever_crashes(places, webhook, ended, tmp_path_factory):
    home = create(tmp_path_factory.mktemp("crashing") / "home")
    crashes = Crashes(places)
    told = {"webhook": Memory(list(webhook)), "command": Memory(list(ended))}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Lake, "put", crashes.around(Lake.put))
        patched.setattr(os, "replace", crashes.around(os.replace))
        for receiver in told.values():
            receiver.tell = crashes.around(receiver.tell)  # type: ignore[method-assign]
        runs = 0
        while runs < GIVEN_UP and not whole_run(home, crashes, told):
            runs += 1
    assert runs < GIVEN_UP
    for receiver in told.values():
        assert len(receiver.taken) == 1
    rows = Lake(home.lake).read("outbox")
    assert rows["status"].to_list() == ["told", "told"]
    assert rows["message"].n_unique() == 2
    before = [len(r.heard) for r in told.values()]
    assert whole_run(home, crashes, told)
    assert [len(r.heard) for r in told.values()] == before


class Memory:
    """A receiver in this process that answers as told, and keeps one of each id."""

    def __init__(self, answers: list[int | str]) -> None:
        self.answers = answers
        self.heard: list[str] = []
        self.taken: set[str] = set()

    def tell(self, message: Message) -> str:
        self.heard.append(message.message)
        answer = self.answers.pop(0) if self.answers else 200
        if answer in (200, "lose"):
            self.taken.add(message.message)
        if answer != 200:
            raise UnheardError(str(answer))
        return "200"


def whole_run(home: Home, crashes: Crashes, told: dict[str, Memory]) -> bool:
    """A night from its decision on; whether it lived, and nothing waits any more."""
    try:
        with alone(home):
            Lake(home.lake).recover()
            ledger = Ledger(home.root / "ledger")
            decided = ledger.find("decide", VERSION)
            if decided is None:
                decided = crashes.around(lambda: {"because": ["enough"]})()
                ledger.record("decide", VERSION, decided)
            outbox.post(home, NIGHT, VERSION, decided["because"], told)
        deliver(home, **told)
    except CrashError:
        return False
    return outbox.waiting(home).is_empty()


def test_a_receiver_that_fails_hangs_and_answers_twice(home, server):
    posted(home)
    server.answers = [500, "hang", "lose"]
    (sent,) = deliver(home, webhook=hook(server, 0.2))
    assert sent == {
        "receiver": "webhook",
        "version": VERSION,
        "status": "told",
        "answer": "HTTP 409",
    }
    assert len(server.taken) == 1
    assert len({h["webhook-id"] for h in server.sent}) == 1
    assert Lake(home.lake).read("outbox")["attempts"].to_list() == [4]


def test_who_does_not_answer_is_asked_again_by_the_next_run(home, server):
    posted(home)
    server.answers = [503] * outbox.TRIES
    (sent,) = deliver(home, webhook=hook(server))
    assert (sent["status"], sent["answer"]) == ("waiting", "HTTP 503")
    (sent,) = deliver(home, webhook=hook(server))
    assert sent["status"] == "told"
    assert deliver(home, webhook=hook(server)) == []


def test_between_tries_it_waits_longer_and_longer(home, server):
    posted(home)
    server.answers = [503] * outbox.TRIES
    waited: list[float] = []
    Post(home, {"webhook": hook(server)}, pause=waited.append).deliver()
    assert len(waited) == outbox.TRIES - 1
    assert all(2**n <= w <= 2**n + 1 for n, w in enumerate(waited))


def test_a_refusal_is_final_and_a_redirect_is_one(home, server):
    posted(home)
    server.answers = [302]
    (sent,) = deliver(home, webhook=hook(server))
    assert (sent["status"], sent["answer"]) == ("refused", "HTTP 302")
    assert deliver(home, webhook=hook(server)) == []
    assert len(server.sent) == 1


def test_the_signature_is_that_of_standard_webhooks(server):
    hook(server).tell(MESSAGE)
    ((key, content),) = server.taken.items()
    (headers,) = server.sent
    signed = f"{key}.{headers['webhook-timestamp']}.".encode() + content
    mark = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mark}"
    assert headers["webhook-timestamp"] == "1700000000"
    assert json.loads(content)["data"]["training_set"] == VERSION


def test_nobody_listens(home):
    with Server() as gone:
        address = gone.url
    with pytest.raises(UnheardError, match="ConnectError"):
        Webhook(address, KEY, 1.0).tell(MESSAGE)


def test_a_hold_keeps_messages_back_and_a_rejection_withdraws_them(home, server):
    posted(home)
    overrides.hold(home, "a holiday")
    (sent,) = deliver(home, webhook=hook(server))
    assert (sent["status"], sent["answer"]) == ("waiting", "held by a person: a holiday")
    overrides.release(home)
    (home.training_sets / VERSION).mkdir(parents=True)
    overrides.reject(home, VERSION, "looks odd")
    (sent,) = deliver(home, webhook=hook(server))
    assert sent["status"] == "withdrawn"
    assert not server.sent


def test_each_home_has_its_own_ids(tmp_path):
    ids = set()
    for name in ("one", "two"):
        posted(create(tmp_path / name))
        ids |= set(outbox.waiting(create(tmp_path / name))["message"])
    assert len(ids) == 2


def test_a_command_reads_the_message_and_sees_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv(SECRET, "whsec_c2VjcmV0")
    heard = tmp_path / "heard"
    script = (
        "import os, sys, pathlib;"
        f"pathlib.Path({str(heard)!r}).write_text("
        f"sys.stdin.read() + os.environ['SAYAGAIN_MESSAGE'] + str({SECRET!r} in os.environ))"
    )
    assert Command([sys.executable, "-c", script], 30).tell(MESSAGE) == "exit code 0"
    content = heard.read_text()
    assert content.endswith("}msg_1False")
    assert json.loads(content.removesuffix("msg_1False"))["type"] == receivers.DUE


def test_a_command_that_fails_hangs_or_is_missing_is_unheard():
    with pytest.raises(UnheardError, match="exit code 3"):
        Command([sys.executable, "-c", "raise SystemExit(3)"], 30).tell(MESSAGE)
    with pytest.raises(UnheardError, match="did not end"):
        Command([sys.executable, "-c", "import threading; threading.Event().wait()"], 0.2).tell(
            MESSAGE
        )
    with pytest.raises(UnheardError, match="No such file"):
        Command(["no-such-command-here"], 30).tell(MESSAGE)


@pytest.mark.parametrize(
    "address", ["http://example.org/x", "ftp://example.org", "/due", "https://ex….org/"]
)
def test_an_address_that_anybody_could_read_along_is_refused(address):
    with pytest.raises(ValueError, match=r"https address|is no address"):
        Settings.model_validate({"delivery": {"webhook": address}})


def test_a_webhook_needs_its_secret(monkeypatch):
    asked = Settings.model_validate({"delivery": {"webhook": "https://example.org/due"}})
    monkeypatch.delenv(SECRET, raising=False)
    with pytest.raises(BadInput, match="is not set"):
        receivers_of(asked)
    monkeypatch.setenv(SECRET, "whsec_not base64")
    with pytest.raises(BadInput, match="base64"):
        receivers_of(asked)
    monkeypatch.setenv(SECRET, "whsec_c2VjcmV0")
    with pytest.raises(BadInput, match="holds 6 bytes, 24 are the least"):
        receivers_of(asked)
    monkeypatch.setenv(SECRET, "whsec_" + base64.b64encode(KEY).decode())
    webhook = receivers_of(asked)["webhook"]
    assert webhook.key == KEY  # type: ignore[attr-defined]
    assert "key" not in repr(webhook)


def test_a_secret_that_does_not_fit_yet_is_tried_again(home, server):
    posted(home)
    server.answers = [401] * outbox.TRIES
    (sent,) = deliver(home, webhook=hook(server))
    assert (sent["status"], sent["answer"]) == ("waiting", "HTTP 401")


class Working:
    """A receiver that works in the home while it is told, and posts more."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.told: list[str] = []

    def tell(self, message: Message) -> str:
        with alone(self.home):
            if not self.told:
                outbox.post(self.home, "2026-01-06", "2026-01-06-0002-x", ["more"], ["command"])
            self.told.append(message.training_set)
        return "done"


def test_a_receiver_may_work_in_the_home_and_what_it_posts_is_sent_too(home):
    posted(home, "command")
    working = Working(home)
    assert [m["status"] for m in deliver(home, command=working)] == ["told", "told"]
    assert working.told == [VERSION, "2026-01-06-0002-x"]


def test_while_another_run_holds_the_home_messages_wait(home, server):
    posted(home)
    with alone(home):
        assert deliver(home, webhook=hook(server)) == []
    assert outbox.waiting(home).height == 1
