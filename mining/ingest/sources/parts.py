"""What readers of several systems share."""

import json
from collections.abc import Iterable
from typing import Any


def at(record: Any, *path: str | int) -> Any:
    """What stands at the end of a path; None where nothing does."""
    for step in path:
        try:
            record = record[step]
        except (KeyError, IndexError, TypeError):
            return None
    return record


def parsed(value: Any) -> Any:
    """The object or list that a text holds as JSON; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def joined(texts: Iterable[Any]) -> str | None:
    """An answer of several messages as one text."""
    return " ".join(t for t in texts if isinstance(t, str) and t.strip()) or None


def spoken(content: Any) -> str | None:
    """The text of a message's content: a text, parts with texts, or an object that holds one."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return joined(spoken(part) for part in content)
    if isinstance(content, dict):
        if content.get("type", "text") not in ("text", "input_text", "output_text"):
            return None
        return spoken(content.get("text") or content.get("content") or content.get("parts"))
    return None


def exchange(messages: Any) -> tuple[int, str | None, str | None]:
    """Of a list of messages: how many the user wrote, the last of them, and what the assistant said after it."""
    said = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    of_user = [n for n, m in enumerate(said) if m.get("role") in ("user", "human")]
    if not of_user:
        return 0, None, None
    last = of_user[-1]
    answers = (spoken_by(m) for m in said[last + 1 :] if m.get("role") in ("assistant", "model"))
    return len(of_user), spoken_by(said[last]), joined(answers)


def spoken_by(message: dict[str, Any]) -> str | None:
    return spoken(message.get("content") or message.get("parts"))
