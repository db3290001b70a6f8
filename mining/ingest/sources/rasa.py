"""Rasa: the events of conversations, from a tracker store (SQLite), `rasa export` or the API's tracker.

Left without: `executed_utterance`, `interrupted`, `arm`.
"""

import json
from collections.abc import Iterator
from typing import Any

from mining.ingest.fallbacks import is_fallback
from mining.ingest.sources.parts import at, joined
from mining.ingest.times import moment

BEGINS = "session_started"
ASKS = "requested_slot"  # of a form
FAILS = ("action_default_fallback", "flow_cancelled", "FlowCancelled")
SUCCEEDS = ("flow_completed", "FlowCompleted")
Event = dict[str, Any]


def recognizes(record: Event) -> bool:
    known = isinstance(record.get("event"), str) and "timestamp" in record
    stored = "sender_id" in record and "type_name" in record
    return known or stored or (isinstance(record.get("events"), list) and "sender_id" in record)


def turns(records: Iterator[tuple[int, Event]]) -> Iterator[tuple[int, Event, Event]]:
    conversations: dict[str, list[tuple[int, Event]]] = {}
    for number, record in records:
        held = record.get("events")
        for given in held if isinstance(held, list) else [record]:
            if isinstance(given, dict):
                event = _whole(given)
                user = str(event.get("sender_id") or record.get("sender_id") or "")
                conversations.setdefault(user, []).append((number, event))
    for user, events in conversations.items():
        yield from _conversation(user, events)


def _whole(event: Event) -> Event:
    """An event as a row of the tracker store's table has it: its `data` is the event."""
    data = event.get("data")
    if "type_name" in event and isinstance(data, str):
        try:
            return {"sender_id": event.get("sender_id"), **json.loads(data)}
        except (ValueError, TypeError):
            return event
    return event


def _conversation(user: str, events: list[tuple[int, Event]]) -> Iterator[tuple[int, Event, Event]]:
    """Turns in the order of time; an event that was stored twice is one."""
    events.sort(key=lambda e: _time(e[1]))
    known: set[tuple[str, ...]] = set()
    session, turn, asked = 0, None, None
    for number, event in events:
        kind = event.get("event")
        same = tuple(str(event.get(k)) for k in ("timestamp", "event", "text", "name"))
        if same in known:
            continue
        known.add(same)
        if kind in (BEGINS, "restart", "reset_slots"):
            session += kind == BEGINS
            asked = None
        elif kind == "slot" and event.get("name") == ASKS:
            asked = event.get("value")
        elif kind == "user":
            if turn:
                yield turn
            turn = (number, _turn(user, session, event) | {"prompted_slot": asked}, event)
        elif turn:
            _happened(turn[1], event)
    if turn:
        yield turn


def _turn(user: str, session: int, event: Event) -> Event:
    parsed = event.get("parse_data") or {}
    ranking = [h for h in parsed.get("intent_ranking") or () if isinstance(h, dict)]
    understood = [h for h in ranking if not is_fallback(str(h.get("name")), ())]
    intent = at(parsed, "intent", "name") or event.get("intent_name")
    flows = [c.get("flow") for c in parsed.get("commands") or () if isinstance(c, dict)]
    failed = any(at(c, "command") == "error" for c in parsed.get("commands") or ())
    sure = understood[0].get("confidence") if understood else at(parsed, "intent", "confidence")
    external = at(event, "metadata", "is_external")
    return {
        "turn_id": event.get("message_id") or parsed.get("message_id"),
        "user_id": user,
        "session_id": f"{user}/{session}",
        "timestamp": event.get("timestamp"),
        "locale": at(event, "metadata", "language") or event.get("language"),
        "utterance": "" if external else event.get("text") or "",
        "intent": intent or next(filter(None, flows), None),
        "confidence": sure,
        "n_best": [
            {"intent": h.get("name"), "confidence": h.get("confidence")} for h in understood
        ],
        "slots": {
            e["entity"]: e.get("value")
            for e in parsed.get("entities") or ()
            if isinstance(e, dict) and "entity" in e
        },
        "outcome": "failure" if failed or (intent and is_fallback(intent, ())) else None,
        "channel": event.get("input_channel"),
        "model_version": at(event, "metadata", "model_id"),
    }


def _happened(row: Event, event: Event) -> None:
    """What the assistant did after the turn."""
    if event.get("event") == "bot":
        row["response"] = joined([row.get("response"), event.get("text")])
    elif event.get("name") in FAILS or event.get("event") in FAILS:
        row["outcome"] = "failure"
    elif event.get("event") in SUCCEEDS:
        row["outcome"] = row["outcome"] or "success"


def _time(event: Event) -> float:
    try:
        return moment(event.get("timestamp"), None).timestamp()
    except ValueError:
        return 0.0
