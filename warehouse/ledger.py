"""What was done already: a step with the same inputs, settings and code is not done again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.common.files import write_atomically


@dataclass(frozen=True)
class Ledger:
    """One small file a finished step, holding what it came to; and the numbers given to versions."""

    root: Path

    def find(self, step: str, key: str) -> dict[str, Any] | None:
        """What was recorded of a step that was finished under this key."""
        place = self.root / f"{step}-{key}.json"
        return json.loads(place.read_text()) if place.is_file() else None

    def record(self, step: str, key: str, entry: dict[str, Any]) -> None:
        """Remember that a step was finished under this key, and what it came to."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_atomically(self.root / f"{step}-{key}.json", json.dumps(entry).encode())

    def number(self, series: str, key: str) -> int:
        """The next number of the series, from 1; the same key has the same number for ever."""
        place = self.root / f"number-{series}.json"
        given: dict[str, int] = json.loads(place.read_text()) if place.is_file() else {}
        if key not in given:
            given[key] = len(given) + 1
            self.root.mkdir(parents=True, exist_ok=True)
            write_atomically(place, json.dumps(given).encode())
        return given[key]
