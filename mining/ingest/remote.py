"""Logs in an object store: what lies at an address, such as s3://bucket/logs/*.jsonl.gz, is fetched, and read as files are.

Notation and constants: docs/method.md, 11.
"""

from pathlib import Path
from typing import Any

from mining.ingest.rows import ADDRESS, ENDINGS, ending
from warehouse.errors import BadInput


def is_address(pattern: str) -> bool:
    return ADDRESS.match(pattern) is not None


def there(pattern: str) -> tuple[Any, list[str]]:
    """The file system of an address, and the logs in it behind a path, folder or glob; BadInput where there is none, or no
    driver for it here."""
    import fsspec

    try:
        fs, place = fsspec.core.url_to_fs(pattern)
        inside = fs.find(place) if fs.isdir(place) else fs.glob(place)
    except (ImportError, ValueError) as error:
        raise BadInput(
            f"{pattern}: cannot be read ({error}); pip install 'sayagain[s3]' for s3://, or copy or mount it"
        ) from None
    except OSError as error:
        raise BadInput(f"{pattern}: cannot be read ({error})") from None
    named = [f for f in inside if ending(Path(f)) in ENDINGS] if fs.isdir(place) else inside
    if not named:
        raise BadInput(f"{pattern}: no log file there; name a file, a folder or a glob")
    return fs, sorted(named)


def fetched(patterns: list[str], into: Path) -> list[str]:
    """The patterns, those that are addresses replaced by the folder to which their logs were fetched."""
    found = []
    for number, pattern in enumerate(patterns):
        if not is_address(pattern):
            found.append(pattern)
            continue
        fs, logs = there(pattern)
        folder = into / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        fs.get(logs, [str(folder / name) for name in _names(logs)])
        found.append(str(folder))
    return found


def _names(logs: list[str]) -> list[str]:
    """A name for each in one folder: its own, or where two have the same one, its path."""
    short = [log.rsplit("/", 1)[-1] for log in logs]
    return short if len(set(short)) == len(short) else [log.replace("/", "-") for log in logs]
