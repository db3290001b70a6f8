"""Langfuse: observations as its blob export writes them, the root of each trace a turn; scores that came through the
API in the same file are thumbs.

Left without: `confidence`, `n_best`, `interrupted`, `arm`.
"""

from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import exchange, parsed, spoken

Record = dict[str, Any]
HELD = ("messages", "input", "output", "content", "text", "query", "question", "response", "answer")


def recognizes(record: Record) -> bool:
    return "trace_id" in record and ("parent_observation_id" in record or "data_type" in record)


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    roots: dict[str, tuple[int, Record]] = {}
    tools: dict[str, Record] = {}
    thumbs: dict[str, int] = {}
    for number, record in records:
        trace = str(record.get("trace_id"))
        if "data_type" in record:
            sign = _sign(record)
            if sign is not None:
                thumbs[trace] = sign
        elif not record.get("parent_observation_id"):
            known = roots.get(trace)
            if known is None or str(record.get("updated_at")) > str(known[1].get("updated_at")):
                roots[trace] = (number, record)
        elif record.get("tool_call_names"):
            tools.setdefault(trace, record)
    for trace, (number, record) in roots.items():
        row = _turn(record, tools.get(trace, record)) | {"feedback": thumbs.get(trace)}
        yield number, row, record


def _sign(score: Record) -> int | None:
    if score.get("source") != "API" or score.get("data_type") not in ("BOOLEAN", "NUMERIC"):
        return None
    try:
        value = float(score.get("value") or 0)
    except (TypeError, ValueError):
        return None
    return 1 if value > 0 else -1


def _turn(record: Record, tool: Record) -> Record:
    names = tool.get("tool_call_names") or []
    names = parsed(names) if isinstance(names, str) else names
    started = record.get("start_time")
    versions = (
        record.get(k) for k in ("provided_model_name", "prompt_name", "prompt_version", "release")
    )
    return {
        "turn_id": record.get("trace_id"),
        "user_id": record.get("user_id") or record.get("session_id") or record.get("trace_id"),
        "session_id": record.get("session_id") or None,
        "timestamp": f"{started}Z"
        if isinstance(started, str) and not started.endswith("Z")
        else started,
        "utterance": text_of(record.get("input")) or "",
        "response": text_of(record.get("output")),
        "intent": names[0] if isinstance(names, list) and names else None,
        "outcome": "failure" if record.get("level") == "ERROR" else None,
        "channel": record.get("environment") or None,
        "model_version": " ".join(str(v) for v in versions if v) or None,
    }


def text_of(value: Any) -> str | None:
    """A text, the user's last message of a list, or what an object holds of either."""
    value = parsed(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        count, said, _ = exchange(value)
        return said if count else spoken(value)
    if isinstance(value, dict):
        inner = next((value[k] for k in HELD if value.get(k)), None)
        return None if inner is None else text_of(inner)
    return None
