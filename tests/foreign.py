"""Rows of the contract, written as other systems write them. A row is {user_id, session_id, timestamp, locale,
utterance, intent, confidence, n_best, slots, response, outcome}; what a system has no place for is lost."""

import csv
import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def seconds(row: Row) -> float:
    return datetime.fromisoformat(row["timestamp"]).timestamp()


def lines(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def rasa_events(rows: list[Row]) -> list[Row]:
    events: list[Row] = []
    sessions: set[str] = set()
    for n, row in enumerate(rows):
        at, sender = seconds(row), row["user_id"]
        if row["session_id"] not in sessions:
            sessions.add(row["session_id"])
            events.append(
                {"sender_id": sender, "event": "session_started", "timestamp": at - 0.001}
            )
        ranking = [{"name": h["intent"], "confidence": h["confidence"]} for h in row["n_best"]]
        heard = {"name": row["intent"], "confidence": row["confidence"]}
        if row["intent"] is None:
            heard = {"name": "nlu_fallback", "confidence": 0.3}
            ranking = [heard, *ranking]
        entities = [{"entity": k, "value": v} for k, v in row["slots"].items()]
        parsed = {"intent": heard, "intent_ranking": ranking, "entities": entities}
        said = {"text": row["utterance"], "message_id": f"m{n}", "parse_data": parsed}
        meta = {"metadata": {"language": row["locale"]}, "input_channel": "rest"}
        events.append({"sender_id": sender, "event": "user", "timestamp": at} | said | meta)
        events.append(
            {"sender_id": sender, "event": "bot", "timestamp": at + 0.0005, "text": row["response"]}
        )
    return events


def rasa_tracker_store(path: Path, rows: list[Row]) -> Path:
    """With the newest events in the write-ahead log beside it, which stays open in `path`'s folder."""
    base = sqlite3.connect(path)
    base.execute("pragma journal_mode=wal")
    base.execute("pragma wal_autocheckpoint=0")
    base.execute(
        "create table events (id integer primary key, sender_id text, type_name text, timestamp float,"
        " intent_name text, action_name text, data text)"
    )
    base.executemany(
        "insert into events (sender_id, type_name, timestamp, data) values (?, ?, ?, ?)",
        [(e["sender_id"], e["event"], e["timestamp"], json.dumps(e)) for e in rasa_events(rows)],
    )
    base.commit()
    copy = path.with_name("store.db")
    for ending in ("", "-wal"):
        copy.with_name(copy.name + ending).write_bytes(Path(f"{path}{ending}").read_bytes())
    base.close()
    return copy


def lex(path: Path, rows: list[Row]) -> Path:
    records = []
    for n, row in enumerate(rows):
        slots = {
            k: {"value": {"originalValue": v, "interpretedValue": v, "resolvedValues": []}}
            for k, v in row["slots"].items()
        }
        named = {
            "name": row["intent"] or "FallbackIntent",
            "slots": slots | {"Other": None},
            "state": "ReadyForFulfillment",
        }
        read = [
            {"intent": {"name": h["intent"]}, "nluConfidence": str(h["confidence"])}
            for h in row["n_best"]
        ]
        fallback = {"intent": {"name": "FallbackIntent", "slots": {}}}
        records.append(
            {
                "messageVersion": "2.0",
                "bot": {
                    "id": "B",
                    "localeId": row["locale"].replace("-", "_"),
                    "version": "3",
                    "aliasName": "live",
                },
                "sessionId": row["session_id"],
                "requestId": f"r{n}",
                "timestamp": row["timestamp"].replace("+00:00", "Z"),
                "inputTranscript": row["utterance"],
                "missedUtterance": row["intent"] is None,
                "inputMode": "Text",
                "sessionState": {"intent": named, "sessionAttributes": {"who": row["user_id"]}},
                "interpretations": [fallback, *read]
                if row["intent"] is None
                else [*read, fallback],
                "messages": [{"contentType": "PlainText", "content": row["response"]}],
            }
        )
    return lines(path, records)


def dialogflow_cx(path: Path, rows: list[Row]) -> Path:
    records = []
    for n, row in enumerate(rows):
        kind = {"matchType": "NO_MATCH"}
        if row["intent"]:
            named = {"displayName": row["intent"]}
            kind = {
                "matchType": "INTENT",
                "intent": named,
                "confidence": row["confidence"],
                "parameters": row["slots"],
            }
        result = {
            "text": row["utterance"],
            "match": kind,
            "responseMessages": [{"text": {"text": [row["response"]]}}],
        }
        records.append(
            {
                "project_id": "p",
                "conversation_name": f"projects/p/conversations/{row['session_id']}",
                "turn_position": n,
                "request_time": row["timestamp"].replace("T", " ").replace("+00:00", " UTC"),
                "language_code": row["locale"],
                "request": json.dumps({"queryParams": {"payload": {"who": row["user_id"]}}}),
                "response": json.dumps({"responseId": f"r{n}", "queryResult": result}),
                "conversation_signals": {"turnSignals": {"noMatch": row["intent"] is None}},
            }
        )
    return lines(path, records)


def dialogflow_es(path: Path, rows: list[Row]) -> Path:
    records = []
    for n, row in enumerate(rows):
        fallback = str(row["intent"] is None).lower()
        text = (
            f'Dialogflow Response : id: "r{n}" lang: "{row["locale"]}" session_id: "{row["session_id"]}"'
            f' timestamp: "{row["timestamp"]}" result {{ source: "agent" resolved_query: {json.dumps(row["utterance"])}'
            f' score: {row["confidence"] or 1.0} parameters {{ }} metadata {{ intent_name: "{row["intent"] or "Default"}"'
            f' is_fallback_intent: "{fallback}" }} fulfillment {{ speech: {json.dumps(row["response"])} }} }}'
        )
        records.append({"textPayload": text})
    return lines(path, records)


def botframework(path: Path, rows: list[Row]) -> Path:
    activities: list[Row] = []
    for n, row in enumerate(rows):
        shared = {
            "channelId": "emulator",
            "conversation": {"id": row["session_id"]},
            "locale": row["locale"],
        }
        scores = {h["intent"]: {"score": h["confidence"]} for h in row["n_best"]}
        if row["intent"] is None:
            scores = {"None": {"score": 0.99}} | scores
        read = {
            "recognizerResult": {
                "text": row["utterance"],
                "alteredText": row["utterance"],
                "intents": scores,
            }
        }
        user = {"id": row["user_id"], "role": "user"}
        activities += [
            shared | {"type": "typing", "from": {"id": "bot", "role": "bot"}},
            shared
            | {
                "type": "message",
                "id": f"a{n}",
                "timestamp": row["timestamp"],
                "from": user,
                "text": row["utterance"],
            },
            shared | {"type": "trace", "from": {"id": "bot", "role": "bot"}, "value": read},
            shared
            | {
                "type": "message",
                "id": f"b{n}",
                "from": {"id": "bot", "role": "bot"},
                "text": row["response"],
            },
        ]
    path.write_text(json.dumps(activities, indent=1))
    return path


def home_assistant(path: Path, rows: list[Row]) -> Path:
    records = []
    for n, row in enumerate(rows):
        begun = {
            "intent_input": row["utterance"],
            "language": row["locale"],
            "device_id": row["user_id"],
            "conversation_id": row["session_id"],
        }
        answer = {"response_type": "action_done", "speech": {"plain": {"speech": row["response"]}}}
        ended = {"intent_output": {"response": answer, "conversation_id": row["session_id"]}}
        events = [
            {"type": "intent-start", "timestamp": row["timestamp"], "data": begun},
            {"type": "intent-end", "timestamp": row["timestamp"], "data": ended},
        ]
        records.append({"run_id": f"r{n}", "pipeline": "p", "events": events})
    return lines(path, records)


def ubi(path: Path, rows: list[Row]) -> Path:
    records: list[Row] = []
    for n, row in enumerate(rows):
        shared = {
            "application": "shop",
            "query_id": f"q{n}",
            "timestamp": row["timestamp"],
            "client_id": "c",
        }
        clicked = {"object": {"object_id": row["intent"]}, "position": {}}
        who = {"user_id": row["user_id"], "session_id": row["session_id"]}
        action = {
            "action_name": "click" if row["intent"] else "impression",
            "event_attributes": clicked,
        }
        records.append(
            {
                "_source": shared
                | {"user_query": row["utterance"], "query_response_hit_ids": ["1", "2"]}
            }
        )
        records.append({"_source": shared | who | action})
    return lines(path, records)


def langfuse(path: Path, rows: list[Row]) -> Path:
    records: list[Row] = []
    for n, row in enumerate(rows):
        started = row["timestamp"].replace("T", " ").replace("+00:00", "000")
        messages = [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": row["utterance"]},
        ]
        root = {
            "id": f"o{n}",
            "trace_id": f"t{n}",
            "parent_observation_id": "",
            "start_time": started,
            "type": "SPAN",
        }
        root |= {
            "input": json.dumps({"messages": messages}),
            "output": json.dumps({"role": "assistant", "content": row["response"]}),
        }
        root |= {"user_id": row["user_id"], "session_id": row["session_id"], "level": "DEFAULT"}
        called = {
            "id": f"g{n}",
            "trace_id": f"t{n}",
            "parent_observation_id": f"o{n}",
            "start_time": started,
        }
        records += [root, called | {"tool_call_names": [row["intent"]] if row["intent"] else []}]
    return lines(path, records)


def otel(path: Path, rows: list[Row]) -> Path:
    def named(**values: Any) -> list[Row]:
        return [
            {"key": k.replace("__", "."), "value": {"stringValue": v}} for k, v in values.items()
        ]

    records, history = [], {}
    for n, row in enumerate(rows):
        said = history.setdefault(row["session_id"], [])
        said.append({"role": "user", "parts": [{"type": "text", "content": row["utterance"]}]})
        calls = [{"type": "tool_call", "id": "c", "name": row["intent"]}] if row["intent"] else []
        answer = {
            "role": "assistant",
            "parts": [{"type": "text", "content": row["response"]}, *calls],
        }
        attributes = named(
            gen_ai__conversation__id=row["session_id"],
            gen_ai__response__id=f"r{n}",
            gen_ai__input__messages=json.dumps(said),
            gen_ai__output__messages=json.dumps([answer]),
        )
        said.append(answer)
        start = str(round(seconds(row) * 1000) * 10**6)
        span = {
            "traceId": f"t{n}",
            "spanId": "s",
            "name": "chat",
            "startTimeUnixNano": start,
            "attributes": attributes,
        }
        resource = {"attributes": named(enduser__id=row["user_id"])}
        records.append(
            {
                "resourceSpans": [
                    {
                        "resource": resource,
                        "scopeSpans": [{"spans": [span, span | {"spanId": "again"}]}],
                    }
                ]
            }
        )
    return lines(path, records)


def chat(path: Path, rows: list[Row]) -> Path:
    talks: dict[str, Row] = {}
    for row in rows:
        talk = talks.setdefault(
            row["session_id"],
            {"conversation_id": row["session_id"], "user_id": row["user_id"], "messages": []},
        )
        talk["messages"].append(
            {"role": "user", "content": row["utterance"], "timestamp": row["timestamp"]}
        )
        talk["messages"].append({"role": "assistant", "content": row["response"]})
    return lines(path, list(talks.values()))


def table(path: Path, rows: list[Row]) -> Path:
    """Delimited text with names of its own."""
    with path.open("w", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["who", "when", "text"])
        out.writerows([r["user_id"], round(seconds(r) * 1000), r["utterance"]] for r in rows)
    return path
