"""`sayagain inspect`: the files of a log, one by one, and the settings that they ask for."""

import json
import secrets
from pathlib import Path
from typing import Any

from flows.settings import Settings, door_of
from mining.ingest import oddities, sources
from mining.ingest.inspection import first_records, inspect
from mining.ingest.rows import left_out, log_files
from warehouse.blur import quoted


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


def at_first_sight(logs: list[str], files: list[Path], settings: Settings) -> list[str]:
    """What is odd about the files of a night before they are read: those that are not, and rows of both sides."""
    aside = [str(path) for path in left_out(logs)]
    said = (
        [
            f"{len(aside)} files are left out, such as {quoted(aside[0])}: their endings say nothing of a log"
        ]
        if aside
        else []
    )
    newest, columns = files[-1], settings.log.columns
    source = settings.log.source or sources.written_by(newest, columns)
    said += oddities.of_columns(newest, source, columns)
    if source:
        return said
    return said + oddities.of_records(first_records(newest), columns, sides=bool(settings.log.rows))


def _toml(proposed: dict[str, Any]) -> str:
    """The section [log]; what holds names and values of its own as sections in it."""
    inner = {k: v for k, v in proposed.items() if isinstance(v, dict)}
    lines = [f"{k} = {json.dumps(v)}" for k, v in proposed.items() if k not in inner]
    lines = ["[log]", *lines] if lines else []
    for name, values in inner.items():
        lines += [f"[log.{name}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items())]
    return "".join(f"{line}\n" for line in lines)
