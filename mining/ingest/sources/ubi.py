"""OpenSearch UBI: queries and events of a search. The intent is the object that was clicked last on a query.

Left without: `confidence`, `n_best`, `slots`, `feedback`, `interrupted`. A query without users in its events belongs
to its client.
"""

from collections.abc import Iterator
from typing import Any

from mining.ingest.sources.parts import at

Record = dict[str, Any]
KEPT = ("click", "purchase", "add_to_cart", "watch", "item_click", "product_click")


def recognizes(record: Record) -> bool:
    inner = record.get("_source", record)
    return (
        isinstance(inner, dict)
        and "query_id" in inner
        and ("user_query" in inner or "action_name" in inner)
    )


def turns(records: Iterator[tuple[int, Record]]) -> Iterator[tuple[int, Record, Record]]:
    queries: dict[str, tuple[int, Record]] = {}
    events: dict[str, list[Record]] = {}
    for number, wrapped in records:
        record = wrapped.get("_source", wrapped)
        if not isinstance(record, dict) or not record.get("query_id"):
            continue
        if "action_name" in record:
            events.setdefault(str(record["query_id"]), []).append(record)
        else:
            queries.setdefault(str(record["query_id"]), (number, record))
    for query, (number, record) in queries.items():
        yield number, _turn(record, events.get(query, [])), record


def _turn(record: Record, events: list[Record]) -> Record:
    hits = record.get("query_response_hit_ids")
    kept = [e for e in events if e.get("action_name") in KEPT]
    of = (at(e, "event_attributes", "object", "object_id") for e in reversed(kept))
    empty = isinstance(hits, list) and not hits
    client = record.get("client_id")
    return {
        "turn_id": record["query_id"],
        "user_id": _first(events, "user_id") or client,
        "session_id": _first(events, "session_id"),
        "timestamp": record.get("timestamp"),
        "utterance": record.get("user_query") or "",
        "intent": next((o for o in of if o is not None), None),
        "response": f"{len(hits)} results" if isinstance(hits, list) else None,
        "outcome": "success" if kept else "failure" if empty else None,
        "channel": record.get("application"),
        "arm": at(record, "query_attributes", "experiment_id"),
    }


def _first(events: list[Record], name: str) -> Any:
    return next((e[name] for e in events if e.get(name)), None)
