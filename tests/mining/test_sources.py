"""Logs of other systems: the same turns come in as from our own schema, but for fields that a system does not have."""

import json
from pathlib import Path

import foreign
import polars as pl
import pytest

from flows.inspecting import inspected
from flows.settings import Settings, door_of, load
from logs import turn, write_log
from mining.ingest import sources
from mining.ingest.inspection import inspect
from mining.ingest.sides import Sides
from mining.ingest.validation import DoorConfig, admit_file
from warehouse.errors import BadInput

pytestmark = pytest.mark.quick

SALT = b"s" * 32
WORDS = ("lamp on", "turn the lamp on", "heater up", "it is cold", 'say "hi" to {all}')
ROWS = [
    turn(
        f"user{n % 3}",
        10.0 * n,
        WORDS[n % 5],
        session_id=f"s{n % 3}{n // 9}",
        intent=None if n % 4 == 3 else f"do_{n % 5}",
        confidence=None if n % 4 == 3 else 0.8,
        n_best=[
            {"intent": f"do_{n % 5}", "confidence": 0.8},
            {"intent": "do_9", "confidence": 0.1},
        ],
        slots={"room": "hall"} if n % 2 else {},
        response=f"done {n}",
    )
    for n in range(27)
]
EVERY = ["at_ms", "utterance"]
TALK = [*EVERY, "user_id", "session_id", "response"]
INTENT = ["intent", "confidence"]
SOURCES = {  # writer, what comes through unchanged, config
    "rasa": (lambda f: foreign.lines(f / "x", foreign.rasa_events(ROWS)), [*EVERY, *INTENT, "user_id", "best_intent", "response", "slots", "locale"], {}),
    "rasa tracker": (lambda f: foreign.lines(f / "x", [{"sender_id": u, "events": [e for e in foreign.rasa_events(ROWS) if e["sender_id"] == u]} for u in ("user0", "user1", "user2")]), [*EVERY, *INTENT, "user_id", "response"], {}),
    "rasa store": (lambda f: foreign.rasa_tracker_store(f / "rasa.db", ROWS), [*EVERY, *INTENT, "user_id", "response", "slots"], {}),
    "lex": (lambda f: foreign.lex(f / "x.json", ROWS), [*TALK, *INTENT, "best_intent", "slots", "locale"], {"columns": {"user_id": "sessionState.sessionAttributes.who"}}),
    "dialogflow-cx": (lambda f: foreign.dialogflow_cx(f / "x", ROWS), [*EVERY, *INTENT, "response", "locale"], {}),
    "dialogflow-es": (lambda f: foreign.dialogflow_es(f / "x", ROWS), [*EVERY, *INTENT, "session_id", "response", "locale"], {}),
    "botframework": (lambda f: foreign.botframework(f / "x.transcript", ROWS), [*TALK, "intent", "locale"], {}),
    "home-assistant": (lambda f: foreign.home_assistant(f / "x", ROWS), [*TALK, "locale"], {}),
    "ubi": (lambda f: foreign.ubi(f / "x", ROWS), [*EVERY, "user_id", "session_id", "intent"], {}),
    "langfuse": (lambda f: foreign.langfuse(f / "x", ROWS), [*TALK, "intent"], {}),
    "otel": (lambda f: foreign.otel(f / "x", ROWS), [*TALK, "intent"], {}),
    "chat": (lambda f: foreign.chat(f / "x", ROWS), TALK, {}),
}  # fmt: skip


def read(path: Path, **config) -> pl.DataFrame:
    return pl.concat(list(admit_file(path, DoorConfig(SALT, **config))))


@pytest.mark.parametrize("name", SOURCES)
def test_a_foreign_log_gives_the_turns_of_ours(tmp_path, name):
    write, kept, config = SOURCES[name]
    found = read(write(tmp_path), **config)
    truth = read(write_log(tmp_path / "ours.jsonl", ROWS))
    assert found["reason"].null_count() == len(ROWS), found["reason"].drop_nulls().to_list()
    assert found["dropped"].null_count() == len(ROWS)
    order = ["at_ms", "utterance"]
    ours, theirs = truth.select(kept).sort(order), found.select(kept).sort(order)
    if "session_id" in kept and name != "rasa":
        assert theirs["session_id"].n_unique() == ours["session_id"].n_unique()
    assert theirs.to_dicts() == ours.to_dicts()


@pytest.mark.parametrize("name", SOURCES)
def test_a_system_is_found_by_its_records_and_can_be_named(tmp_path, name):
    path = SOURCES[name][0](tmp_path)
    assert sources.source_of(path) == name.split()[0]
    named = read(path, source=name.split()[0], **SOURCES[name][2])
    assert named["utterance"].null_count() == 0


def test_our_own_log_is_of_no_system(tmp_path):
    assert sources.source_of(write_log(tmp_path / "ours.jsonl", ROWS)) is None


def test_events_stored_twice_and_buttons_are_no_turns(tmp_path):
    events = foreign.rasa_events(ROWS[:3])
    click = events[1] | {"text": '/do_1{"room": "hall"}', "timestamp": events[1]["timestamp"] + 1}
    found = read(foreign.lines(tmp_path / "x", [*events, *events, click]))
    assert found["utterance"].drop_nulls().len() == 3
    assert found["reason"].drop_nulls().to_list() == ["is what a button sends, no words"]


def test_lex_and_rasa_name_the_slot_that_was_asked_for(tmp_path):
    path = foreign.lex(tmp_path / "x", ROWS[:2])
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    first["sessionState"]["dialogAction"] = {"type": "ElicitSlot", "slotToElicit": "when"}
    second["sessionId"] = first["sessionId"]
    found = read(foreign.lines(path, [first, second])).sort("at_ms")
    assert found["prompted_slot"].to_list() == [None, "when"]
    events = foreign.rasa_events(ROWS[:1] + ROWS[3:4])
    form = {
        "sender_id": "user0",
        "event": "slot",
        "name": "requested_slot",
        "timestamp": events[2]["timestamp"],
    }
    events[3:3] = [form | {"value": "when"}]
    events += [form | {"value": None, "timestamp": events[-1]["timestamp"] + 1}]
    events += [events[1] | {"timestamp": events[-1]["timestamp"] + 2, "message_id": "later"}]
    found = read(foreign.lines(tmp_path / "rasa", events)).sort("at_ms")
    assert found["prompted_slot"].to_list() == [None, "when", None]


def test_the_feedback_of_a_user_counts_and_that_of_a_judge_does_not(tmp_path):
    path = foreign.langfuse(tmp_path / "x", ROWS[:2])
    score = {
        "id": "s",
        "name": "thumb",
        "data_type": "NUMERIC",
        "timestamp": "2026-01-05 08:00:00.000000",
    }
    scores = [
        score | {"trace_id": "t0", "source": "API", "value": -1},
        score | {"trace_id": "t1", "source": "EVAL", "value": -1},
    ]
    records = [json.loads(line) for line in path.read_text().splitlines()]
    found = read(foreign.lines(path, [*records, *scores])).sort("at_ms")
    assert found["feedback"].to_list() == [-1, None]


def test_a_database_of_nobody_we_know_is_called_one(tmp_path):
    import sqlite3

    base = sqlite3.connect(tmp_path / "x.db")
    base.execute("create table songs (id)")
    base.close()
    with pytest.raises(BadInput, match="SQLite database"):
        read(tmp_path / "x.db")


def test_a_record_that_is_not_json_costs_itself_alone(tmp_path):
    path = foreign.chat(tmp_path / "x", ROWS[:2])
    path.write_text(path.read_text() + "{broken\n")
    found = read(path)
    assert found["utterance"].null_count() == 1
    assert "not JSON" in found["reason"].drop_nulls().item()


def test_rows_of_both_sides_are_told_apart_and_an_answer_joins_its_turn(tmp_path):
    said = [
        ("in", "lamp on"),
        ("out", "done"),
        ("out", "more?"),
        ("note", "x"),
        ("in", "no"),
        ("out", "ok"),
    ]
    rows = [turn("ann", n, text, side=side) for n, (side, text) in enumerate(said)]
    sides = Sides("side", frozenset(["in"]), frozenset(["out"]))
    found = read(write_log(tmp_path / "log.jsonl", rows), sides=sides).sort("at_ms")
    assert found["utterance"].to_list() == ["lamp on", "no"]
    assert found["response"].to_list() == ["done more?", "ok"]


@pytest.mark.parametrize("name", SOURCES)
def test_inspect_names_the_system_and_proposes_it(tmp_path, name):
    found = inspect(SOURCES[name][0](tmp_path), DoorConfig(SALT))
    assert found.settings["source"] == name.split()[0]
    assert f"{len(ROWS)} turns" in found.said[1]


def test_inspect_proposes_columns_by_the_names_that_people_give(tmp_path):
    found = inspect(
        foreign.table(tmp_path / "x.csv", ROWS),
        DoorConfig(SALT, {"user_id": "who", "timestamp": "when"}),
    )
    assert found.settings["columns"] == {"utterance": "text"}
    assert "delimited text" in found.said[0]
    assert f"{len(ROWS)} turns" in found.said[1]


def test_inspect_says_what_is_missing_and_what_is_there_instead(tmp_path):
    (warning,) = inspect(foreign.table(tmp_path / "x.csv", ROWS), DoorConfig(SALT)).warnings
    assert "no user_id" in warning
    assert "who" in warning


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([turn("ann", n, "a") for n in range(30)], "one id says most"),
        ([turn(f"u{n}", n, "a", session_id=f"s{n}") for n in range(30)], "one session only"),
        ([turn("ann", 0, "a"), turn("bob", 3 * 86_400, "b")], "2 days without a row"),
        ([turn("ann", 0, "a"), turn("ann", 0, "a", turn_id="again")], "delivered again"),
        ([turn("ann", 0, "<b>a</b>")], "markup"),
        ([turn("ann", 0, "x" * 3_000)], "cut in the middle"),
        ([turn("ann", 0, "NaN")], "null written as text"),
        (
            [turn("ann", 0, "a"), turn("ann", 1, "b") | {"locale": "en"}],
            "'en' stands beside 'en-GB'",
        ),
        ([turn("ann", 0, "a", role="user"), turn("ann", 1, "b", role="bot")], "rows of the bot"),
        ([turn("ann", 0, "a") | {"timestamp": "2026-01-05T08:00:00"}], "time zone"),
    ],
)
def test_inspect_warns_of_what_misleads(tmp_path, rows, said):
    found = inspect(write_log(tmp_path / "log.jsonl", rows), DoorConfig(SALT))
    assert any(said in warning for warning in found.warnings), found


def test_inspect_has_nothing_to_warn_of_in_a_log_of_ours(tmp_path):
    heard = {"intent": "a", "slots": {"room": "hall"}}
    rows = [turn(f"u{n % 25}", 60.0 * n, WORDS[n % 3], **heard) for n in range(100)]
    assert inspect(write_log(tmp_path / "log.jsonl", rows), DoorConfig(SALT)).warnings == []


def test_what_inspect_proposes_is_enough_for_a_log_of_both_sides(tmp_path):
    """Chatwoot's messages: whose they are says a number, and who they are of a nested field."""
    rows = [
        {
            "id": 10 * n + side,
            "content": f"{'sorry, say again' if side else 'lamp on'} {n}",
            "message_type": side,
            "created_at": 1_767_600_000 + 60 * n + side,
            "conversation_id": n,
            "sender": {"id": f"{side}{n}", "type": ("contact", "agent_bot")[side]},
        }
        for n in range(4)
        for side in (0, 1)
    ]
    log = write_log(tmp_path / "log.jsonl", rows)
    _, proposed = inspected([str(log)], Settings())
    (tmp_path / "sayagain.toml").write_text(proposed)
    found = read_with(log, load(tmp_path / "sayagain.toml"))
    assert found["utterance"].to_list() == [f"lamp on {n}" for n in range(4)]
    assert found["response"].to_list() == [f"sorry, say again {n}" for n in range(4)]
    assert found["user_id"].n_unique() == 4


def read_with(log: Path, settings: Settings) -> pl.DataFrame:
    return pl.concat(list(admit_file(log, door_of(settings.log, SALT))))


def test_a_path_that_leads_nowhere_is_told(tmp_path):
    columns = {"user_id": "sessionState.sessionAttributes.gone", "locale": "bot.localeId"}
    told = inspect(foreign.lex(tmp_path / "x", ROWS), DoorConfig(SALT, columns)).warnings
    (line,) = [w for w in told if "none of the first rows" in w]
    assert line.startswith("user_id: 'sessionState.sessionAttributes.gone'")


def test_rows_without_a_locale_have_that_of_the_settings(tmp_path):
    rows = [turn("ann", 0, "a"), turn("bob", 1, "b") | {"locale": None}]
    found = read(write_log(tmp_path / "log.jsonl", rows), locale="de-DE")
    assert found["locale"].to_list() == ["en-GB", "de-DE"]


def test_a_store_is_read_without_a_trace_and_a_log_of_it_that_is_missing_is_named(tmp_path):
    store = foreign.rasa_tracker_store(tmp_path / "rasa.db", ROWS)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert read(store).height == len(ROWS)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    store.with_name(f"{store.name}-wal").unlink()
    with pytest.raises(BadInput, match=f"is its write-ahead log, {store.name}-wal, missing"):
        read(store, source="rasa")
