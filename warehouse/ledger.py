"""What was done already: a step with the same inputs, settings and code is not done again."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.home import write_atomically


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


def digest(*parts: object) -> str:
    """A short hash of JSON-able parts."""
    content = json.dumps(parts, sort_keys=True, default=str).encode()
    return hashlib.blake2b(content, digest_size=10).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """A hash of each file inside; ValueError where one is a link, which may lead anywhere."""
    inside = sorted(folder.rglob("*"))
    if any(f.is_symlink() for f in inside):
        raise ValueError(f"{folder.name}/ holds a link")
    return {str(f.relative_to(folder)): file_digest(f) for f in inside if f.is_file()}


def file_digest(path: Path) -> str:
    """A hash of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
