"""Amazon Lex V2: conversation logs, one record an utterance, also as CloudWatch and Firehose wrap them.

Left without: `executed_utterance`, `feedback`, `arm`.
"""

import json
from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import at, joined

Record = dict[str, Any]
CONFIRMS = "ConfirmIntent"
OUTCOMES = {"Failed": "failure", "Fulfilled": "success"}


def recognizes(record: Record) -> bool:
    if isinstance(record.get("logEvents"), list):
        return any("inputTranscript" in str(at(e, "message")) for e in record["logEvents"][:3])
    return "inputTranscript" in record and "sessionId" in record


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    found = [(n, r) for number, wrapped in records for n, r in _unwrapped(number, wrapped)]
    found.sort(key=lambda f: str(f[1].get("timestamp")))  # streams are merged, all in one zone
    asked: dict[str, str | None] = {}
    for number, record in found:
        session = str(record.get("sessionId"))
        yield number, _turn(record) | {"prompted_slot": asked.get(session)}, record
        action = at(record, "sessionState", "dialogAction") or {}
        asked[session] = action.get("slotToElicit") or (
            CONFIRMS if action.get("type") == CONFIRMS else None
        )


def _unwrapped(number: int, record: Record) -> Iterator[tuple[int, Record]]:
    if not isinstance(record.get("logEvents"), list):
        yield number, record
        return
    for event in record["logEvents"]:
        try:
            inner = json.loads(at(event, "message"))
        except (ValueError, TypeError):
            continue
        if isinstance(inner, dict) and recognizes(inner):
            yield number, inner


def _turn(record: Record) -> Record:
    read = [i for i in record.get("interpretations") or () if isinstance(i, dict)]
    running = at(record, "sessionState", "intent") or at(read, 0, "intent") or {}
    missed = (
        record.get("missedUtterance") in (True, "true") or record.get("developerOverride") is True
    )
    sure = [i for i in read if i.get("nluConfidence") is not None]
    confirmed, state = running.get("confirmationState"), running.get("state")
    messages = record.get("messages") or ()
    bot = record.get("bot") or {}
    return {
        "turn_id": record.get("requestId"),
        "user_id": record.get("sessionId"),
        "session_id": record.get("sessionId"),
        "timestamp": record.get("timestamp"),
        "locale": bot.get("localeId"),
        "utterance": "" if record.get("inputMode") == "DTMF" else record.get("inputTranscript") or "",
        "intent": None if missed else running.get("name"),
        "confidence": at(sure, 0, "nluConfidence") if not missed else None,
        "n_best": [
            {"intent": at(i, "intent", "name"), "confidence": i["nluConfidence"]} for i in sure
        ],
        "slots": {
            n: at(v, "value", "interpretedValue") or at(v, "value", "originalValue") or v.get("values")
            for n, v in (running.get("slots") or {}).items()
            if isinstance(v, dict)
        },
        "response": joined(at(m, "content") for m in messages),
        "outcome": "failure" if missed or confirmed == "Denied" else OUTCOMES.get(str(state)),
        "interrupted": record.get("bargeIn"),
        "channel": {"Speech": "voice", "Text": "text"}.get(str(record.get("inputMode"))),
        "model_version": " ".join(str(bot[k]) for k in ("version", "aliasName") if k in bot) or None,
    }  # fmt: skip
