"""OpenTelemetry: spans of generative AI in OTLP/JSON, in the forms before and after the conventions' version 1.37.

A turn is one message of the user: of the spans of a conversation that repeat it, the first. Left without:
`confidence`, `n_best`, `interrupted`, `arm`. Content is there only where the application records it.
"""

from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import at, exchange, parsed, spoken

Record = dict[str, Any]
USER = ("enduser.pseudo.id", "enduser.id", "user.id")
CONVERSATION = ("gen_ai.conversation.id", "session.id")
JUDGES = ("evaluation", "evaluator", "judge")


def recognizes(record: Record) -> bool:
    return "resourceSpans" in record or ("traceId" in record and "attributes" in record)


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    spans = [(n, s, a) for number, record in records for n, s, a in _spans(number, record)]
    spans.sort(key=lambda s: int(s[1].get("startTimeUnixNano") or 0))
    known: set[tuple[str, int]] = set()
    for number, span, named in spans:
        count, said, answer = _exchange(span, named)
        conversation = _first(named, CONVERSATION) or span.get("traceId")
        if not said or (str(conversation), count) in known or _judges(span, named):
            continue
        known.add((str(conversation), count))
        yield number, _turn(span, named, said, answer), span | {"attributes": named}


def _spans(number: int, record: Record) -> Iterator[tuple[int, Record, Record]]:
    if "resourceSpans" not in record:
        yield number, record, _attributes(record.get("attributes"))
        return
    for resource in record["resourceSpans"] or ():
        shared = _attributes(at(resource, "resource", "attributes"))
        for scope in at(resource, "scopeSpans") or ():
            for span in at(scope, "spans") or ():
                yield number, span, shared | _attributes(at(span, "attributes"))


def _attributes(listed: Any) -> Record:
    if isinstance(listed, dict):
        return listed
    pairs = [p for p in listed or () if isinstance(p, dict) and "key" in p]
    return {p["key"]: _value(p.get("value")) for p in pairs}


def _value(value: Any) -> Any:
    """A value of OTLP/JSON, which says its kind by its key."""
    if not isinstance(value, dict):
        return value
    if "arrayValue" in value:
        return [_value(v) for v in at(value, "arrayValue", "values") or ()]
    if "kvlistValue" in value:
        return _attributes(at(value, "kvlistValue", "values"))
    return next(iter(value.values()), None)


def _exchange(span: Record, named: Record) -> tuple[int, str | None, str | None]:
    asked = parsed(named.get("gen_ai.input.messages"))
    if isinstance(asked, str):
        asked = [{"role": "user", "content": asked}]
    answer = spoken(parsed(named.get("gen_ai.output.messages")))
    if not asked:
        told = [(at(e, "name"), _attributes(at(e, "attributes"))) for e in span.get("events") or ()]
        asked = [
            {
                "role": str(n).split(".")[1],
                "content": a.get("content") or a.get("gen_ai.event.content"),
            }
            for n, a in told
            if str(n) in ("gen_ai.user.message", "gen_ai.assistant.message")
        ]
        choices = (a.get("message") or a.get("content") for n, a in told if n == "gen_ai.choice")
        answer = spoken(next(map(parsed, choices), None))
    count, said, after = exchange(asked)
    return count, said, answer or after


def _turn(span: Record, named: Record, said: str, answer: str | None) -> Record:
    conversation = _first(named, CONVERSATION)
    failed = (
        at(span, "status", "code") in (2, "STATUS_CODE_ERROR", "ERROR") or "error.type" in named
    )
    failed = failed or "content_filter" in str(named.get("gen_ai.response.finish_reasons"))
    start = span.get("startTimeUnixNano")
    return {
        "turn_id": named.get("gen_ai.response.id") or f"{span.get('traceId')}/{span.get('spanId')}",
        "user_id": _first(named, USER) or conversation or span.get("traceId"),
        "session_id": conversation,
        "timestamp": int(start) if start else None,
        "utterance": said,
        "response": answer,
        "intent": _tool(named),
        "outcome": "failure" if failed else None,
        "model_version": named.get("gen_ai.response.model"),
    }


def _tool(named: Record) -> str | None:
    """The tool that the answer calls first."""
    for message in parsed(named.get("gen_ai.output.messages")) or ():
        for part in at(message, "parts") or ():
            if at(part, "type") == "tool_call":
                return str(part.get("name"))
    return named.get("gen_ai.tool.name")


def _judges(span: Record, named: Record) -> bool:
    said = f"{span.get('name')} {named.get('gen_ai.operation.name')} {named.get('gen_ai.agent.name')}".lower()
    return any(judge in said for judge in JUDGES)


def _first(named: Record, keys: tuple[str, ...]) -> Any:
    return next((named[k] for k in keys if named.get(k)), None)
