"""`sayagain inspect`: the files of a log, one by one, and the settings that they ask for."""

import json
import secrets
from typing import Any

from flows.settings import Settings, door_of
from mining.inspection import inspect
from mining.rows import left_out, log_files


def inspected(logs: list[str], settings: Settings) -> tuple[list[str], str]:
    """What is to be said of the files behind `logs`, and the proposed settings as TOML (empty for none)."""
    door = door_of(settings.log, secrets.token_bytes(32))  # nothing of an inspection is kept
    said: list[str] = []
    proposed: dict[str, Any] = {}
    for path in log_files(logs):
        found = inspect(path, door)
        said += found.said + [f"  ! {warning}" for warning in found.warnings]
        proposed |= found.settings
    said += [f"! {path} is left out: its ending says nothing of a log" for path in left_out(logs)]
    return said, _toml(proposed)


def _toml(proposed: dict[str, Any]) -> str:
    columns = proposed.pop("columns", {})
    lines = ["[log]", *(f"{k} = {json.dumps(v)}" for k, v in proposed.items())] if proposed else []
    if columns:
        lines += ["[log.columns]", *(f"{k} = {json.dumps(v)}" for k, v in columns.items())]
    return "".join(f"{line}\n" for line in lines)
