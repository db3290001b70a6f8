"""Dialogflow CX: the interaction log that it exports to BigQuery, a row a turn.

Left without: `interrupted`, `arm`.

Notation and constants: docs/method.md, 11.
"""

from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import at, joined, parsed

Record = dict[str, Any]
FILLS = "PARAMETER_FILLING"
SAID = ("INTENT", "NO_MATCH", FILLS)  # match types in which a person said something
FAILED = ("noMatch", "userEscalated", "agentEscalated")
THUMBS = {"THUMBS_UP": 1, "THUMBS_DOWN": -1}


def recognizes(record: Record) -> bool:
    return "conversation_name" in record and "turn_position" in record


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    for number, record in records:
        whole = {k: parsed(v) for k, v in record.items()}
        yield number, _turn(whole), whole


def _turn(record: Record) -> Record:
    result = at(record, "response", "queryResult") or {}
    match = result.get("match") or {}
    kind = match.get("matchType")
    conversation = str(record.get("conversation_name"))
    text = result.get("text") or result.get("transcript") or at(
        record, "request", "queryInput", "text", "text"
    )  # fmt: skip
    signals = at(record, "conversation_signals", "turnSignals") or {}
    failed = any(signals.get(s) for s in FAILED) or kind == "NO_MATCH"
    failed = failed or any("FAILED" in str(f) for f in signals.get("failureReasons") or ())
    run = match.get("resolvedInput")
    asked = next(iter(match.get("parameters") or {}), FILLS) if kind == FILLS else None
    return {
        "turn_id": at(record, "response", "responseId")
        or f"{conversation}/{record.get('turn_position')}",
        "user_id": conversation.rpartition("/")[2],
        "session_id": conversation,
        "timestamp": record.get("request_time"),
        "locale": record.get("language_code"),
        "utterance": text if text and kind in (*SAID, None) else "",
        "executed_utterance": run if run and run != text else None,
        "intent": at(match, "intent", "displayName") if kind != "NO_MATCH" else None,
        "confidence": match.get("confidence") if kind != "NO_MATCH" else None,
        "slots": match.get("parameters"),
        "prompted_slot": asked,
        "response": joined(
            t for m in result.get("responseMessages") or () for t in at(m, "text", "text") or ()
        ),
        "outcome": "failure" if failed else None,
        "feedback": THUMBS.get(str(at(record, "bot_answer_feedback", "rating"))),
        "channel": at(record, "request", "queryParams", "channel"),
    }
