"""Files and folders written as one step, so that a killed run leaves the old or the new."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file as one step, so that a killed run leaves the old one or the new one."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    os.replace(draft, path)


def keep_once(place: Path, fill: Callable[[Path], None]) -> None:
    """Make the immutable folder `place` as one step: `fill` writes a draft of it, which is renamed.

    Nothing is done where it is there already.
    """
    if place.exists():
        return
    draft = place.with_name(f".{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    fill(draft)
    os.replace(draft, place)


def write_once(path: Path, content: bytes) -> None:
    """Write a private file, unless it is there already."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
