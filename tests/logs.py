"""Small logs, written by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = 1_767_600_000_000  # 2026-01-05T08:00:00Z, milliseconds


def turn(user: str, seconds: float, utterance: str, **more: Any) -> dict[str, Any]:
    """A row of a log: what `user` said so many seconds after the start."""
    at = datetime.fromtimestamp(START / 1000 + seconds, UTC)
    row = {
        "user_id": user,
        "timestamp": at.isoformat(timespec="milliseconds"),
        "utterance": utterance,
    }
    return row | {"locale": "en-GB"} | more


def write_log(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path
