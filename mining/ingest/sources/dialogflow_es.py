"""Dialogflow ES: detectIntent responses, and the responses that it logs to Stackdriver in protobuf's text form.

Left without: users (a session stands for one), `n_best`, `outcome`, `feedback`, `interrupted`, `arm`.
"""

import re
from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import at

Record = dict[str, Any]
LOGGED = "Dialogflow Response"
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|[^\s{}:"]+:?')


def recognizes(record: Record) -> bool:
    return (
        LOGGED in str(record.get("textPayload"))
        or at(record, "queryResult", "queryText") is not None
    )


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    for number, record in records:
        text = record.get("textPayload")
        if isinstance(text, str):
            if LOGGED in text:
                read = parsed(text.partition(":")[2])
                yield number, _logged(record, read), record | read
        elif recognizes(record):
            yield number, _answered(record), record


def _logged(record: Record, read: Record) -> Record:
    result = read.get("result") or {}
    named = result.get("metadata") or {}
    fallback = str(named.get("is_fallback_intent")).lower() == "true"
    return {
        "turn_id": read.get("id"),
        "user_id": read.get("session_id"),
        "session_id": read.get("session_id"),
        "timestamp": read.get("timestamp") or record.get("timestamp"),
        "locale": read.get("lang"),
        "utterance": result.get("resolved_query") or "",
        "intent": None if fallback else named.get("intent_name"),
        "confidence": None if fallback else result.get("score"),
        "response": at(result, "fulfillment", "speech"),
        "outcome": "failure" if fallback else None,
    }


def _answered(record: Record) -> Record:
    result = record["queryResult"]
    session = str(record.get("session") or record.get("sessionId") or "").rpartition("/")[2]
    fallback = at(result, "intent", "isFallback") is True
    return {
        "turn_id": record.get("responseId"),
        "user_id": session or None,
        "session_id": session or None,
        "timestamp": record.get("timestamp") or record.get("receiveTimestamp"),
        "locale": result.get("languageCode"),
        "utterance": result.get("queryText") or "",
        "intent": None if fallback else at(result, "intent", "displayName"),
        "confidence": None if fallback else result.get("intentDetectionConfidence"),
        "slots": result.get("parameters"),
        "response": result.get("fulfillmentText"),
        "outcome": "failure" if fallback else None,
    }


def parsed(text: str) -> Record:
    """An object of protobuf's text form, `key: value key { ... }`; of a repeated key the last value."""
    root: Record = {}
    inside = [root]
    key, pending = "", False  # whether a value of the key is still to come
    for token in TOKEN.findall(text):
        if token == "{":
            inner: Record = {}
            inside[-1][key] = inner
            inside.append(inner)
        elif token == "}":
            if len(inside) > 1:
                inside.pop()
        elif token.startswith('"'):
            inside[-1][key] = token[1:-1].replace('\\"', '"')
        elif pending and not token.endswith(":"):
            inside[-1][key] = token
        else:
            key, pending = token.removesuffix(":"), token.endswith(":")
            continue
        pending = False
    return root
