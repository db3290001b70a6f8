"""Home Assistant Assist: runs of a pipeline, each with its events.

Left without: intents (a run does not name them), `confidence`, `n_best`, `feedback`, `arm`. Users are rooms: a
satellite or a device.
"""

from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import at

Record = dict[str, Any]
DONE = ("action_done", "query_answer")


def recognizes(record: Record) -> bool:
    kinds = {at(e, "type") for e in record.get("events") or () if isinstance(e, dict)}
    return bool(kinds & {"run-start", "intent-start", "intent-end", "stt-end"})


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    for number, record in records:
        if recognizes(record):
            yield number, _turn(record), record


def _turn(record: Record) -> Record:
    events = {e.get("type"): e for e in record["events"] if isinstance(e, dict)}
    begun, ended = (at(events, kind, "data") or {} for kind in ("intent-start", "intent-end"))
    run = at(events, "run-start", "data") or {}
    answer = at(ended, "intent_output", "response") or {}
    kind = answer.get("response_type")
    heard = at(events, "stt-end", "data", "stt_output", "text")
    first = min((str(e["timestamp"]) for e in events.values() if e.get("timestamp")), default=None)
    user = begun.get("satellite_id") or begun.get("device_id") or begun.get("conversation_id")
    failed = kind == "error" or "error" in events
    return {
        "turn_id": record.get("run_id"),
        "user_id": user or run.get("conversation_id") or record.get("pipeline"),
        "session_id": begun.get("conversation_id") or at(ended, "intent_output", "conversation_id"),
        "timestamp": at(events, "intent-start", "timestamp") or first,
        "locale": begun.get("language") or run.get("language") or at(record, "run", "language"),
        "utterance": begun.get("intent_input")
        or heard
        or at(record, "init_options", "input", "text")
        or "",
        "response": at(answer, "speech", "plain", "speech"),
        "outcome": "failure" if failed else "success" if kind in DONE else None,
        "channel": "voice" if "stt-end" in events else "text",
        "model_version": begun.get("engine"),
    }
