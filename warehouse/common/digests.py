"""Short hashes of values and of files."""

import hashlib
import json
from pathlib import Path


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
