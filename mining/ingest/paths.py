"""Paths into nested records, as settings name them: session.user.id, messages[-1].text."""

import re
from functools import cache
from typing import Any

STEP = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")


def is_path(name: str) -> bool:
    return "." in name or "[" in name


def root(name: str) -> str:
    """The field of the record from which a path sets out."""
    return str(_steps(name)[0])


def reached(record: dict[str, Any], name: str) -> Any:
    """What stands in a record under a name, or at the end of a path; None where nothing does."""
    if name in record or not is_path(name):
        return record.get(name)
    value: Any = record
    for step in _steps(name):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value


@cache
def _steps(name: str) -> tuple[str | int, ...]:
    return tuple(int(at) if at else word for word, at in STEP.findall(name)) or (name,)
