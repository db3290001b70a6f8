"""Optional fields in other forms than the contract's: read where there is one way to, else dropped. The turn stays.

Notation and constants: docs/method.md, 11.
"""

import math
from collections.abc import Callable
from typing import Any

from mining.ingest.fallbacks import is_null
from mining.ingest.locales import spelled


class Unread(ValueError):
    """What is wrong with a value that there is no one way to read."""


CLOSE = 0.001  # by which a share may miss 0..1, for rounding
NAMES = ("intent", "name", "label", "intent_name", "intentName", "displayName")
SCORES = ("confidence", "score", "probability", "prob", "nluConfidence")
VALUES = ("value", "interpretedValue", "resolvedValue", "originalValue", "text")
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


def text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unread("is no text")
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else value
    return None if is_null(str(value)) else str(value)


def name(value: Any) -> str | None:
    """An intent's: a text, or an object that names it."""
    return text(_one_of(value, NAMES) if isinstance(value, dict) else value)


def locale(value: Any) -> str | None:
    read = text(value)
    return read and spelled(read)


def share(value: Any) -> float | None:
    if isinstance(value, dict):
        value = _one_of(value, SCORES)
    if isinstance(value, bool) or value is None:
        raise Unread("is no number")
    if isinstance(value, str) and is_null(value):
        return None
    number = float(value)
    if math.isnan(number):
        return None
    if not -CLOSE <= number <= 1 + CLOSE:
        raise Unread("is not between 0 and 1")
    return min(1.0, max(0.0, number))


def outcome(value: Any) -> str | None:
    read = text(value)
    if read is not None and read.strip().lower() not in ("success", "failure"):
        raise Unread("is neither success nor failure")
    return read and read.strip().lower()


def thumbs(value: Any) -> int | None:
    if isinstance(value, bool):
        raise Unread("is not -1, 0 or 1")
    if isinstance(value, str) and is_null(value):
        return None
    number = float(value)
    if math.isnan(number):
        return None
    if number not in (-1, 0, 1):
        raise Unread("is not -1, 0 or 1")
    return int(number)


def flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    read = text(value)
    if read is None:
        return None
    if read.strip().lower() not in TRUE + FALSE:
        raise Unread("is neither true nor false")
    return read.strip().lower() in TRUE


def hypotheses(value: Any) -> list[dict[str, Any]] | None:
    """A list of objects, or one object whose keys are the intents; best first."""
    if isinstance(value, dict):
        value = [{"intent": k, "confidence": v} for k, v in value.items()]
        value.sort(key=lambda h: -(share(h["confidence"]) or 0))
    if not isinstance(value, list):
        raise Unread("is no list of hypotheses")
    found = [h for h in map(_hypothesis, value) if h["intent"] is not None]
    return found or None


def _hypothesis(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"intent": text(value), "confidence": None}
    if not isinstance(value, dict):
        raise Unread("holds what is no hypothesis")
    named, sure = _one_of(value, NAMES), _one_of(value, SCORES)
    return {
        "intent": None if named is None else name(named),
        "confidence": None if sure is None else share(sure),
    }


def slots(value: Any) -> dict[str, Any] | None:
    """By name: of an object, or of a list of objects that name themselves; values unpacked."""
    if isinstance(value, list):
        named = [
            (_one_of(v, ("name", "entity", "slot")), v) if isinstance(v, dict) else (None, v)
            for v in value
        ]
        if any(n is None for n, _ in named):
            raise Unread("holds values without a name")
        value = {str(n): v for n, v in named}
    if not isinstance(value, dict):
        raise Unread("is no object of names and values")
    return {k: unpacked(v) for k, v in value.items()} or None


def unpacked(value: Any) -> Any:
    """What lies in an object that only wraps a value, or in a list of one."""
    while isinstance(value, dict | list):
        if isinstance(value, list):
            inner = value[0] if len(value) == 1 else value
        else:
            inner = _one_of(value, VALUES)
        if inner is None or inner is value:
            break
        value = inner
    return value


def _one_of(value: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[n] for n in names if value.get(n) is not None), None)


READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            "turn_id",
            "session_id",
            "response",
            "executed_utterance",
            "channel",
            "model_version",
            "arm",
            "prompted_slot",
            "assistant",
        ),
        text,
    ),
    "locale": locale,
    "intent": name,
    "slots": slots,
    "confidence": share,
    "propensity": share,
    "n_best": hypotheses,
    "outcome": outcome,
    "feedback": thumbs,
    "interrupted": flag,
}
