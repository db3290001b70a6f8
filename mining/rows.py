"""Rows of a log file, one by one, each with its row number: JSON lines, CSV, Parquet."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import BadInput

LONGEST_LINE = 8 << 20  # bytes; what is longer is no row of a log
ENDINGS = (".jsonl", ".json", ".ndjson", ".csv", ".parquet")
NESTED = ("n_best", "slots")

Raw = bytes | dict[str, Any]


def log_files(patterns: list[str]) -> list[Path]:
    """The files behind paths, folders and globs, sorted; BadInput where one leads nowhere."""
    found: set[Path] = set()
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            matches = [p for p in path.rglob("*") if p.is_file() and _ending(p) in ENDINGS]
        elif path.is_file():
            matches = [path]
        else:
            anchor = Path(path.anchor) if path.anchor else Path()
            matches = [p for p in anchor.glob(str(path.relative_to(anchor))) if p.is_file()]
        if not matches:
            raise BadInput(f"{pattern}: no log file there; name a file, a folder or a glob")
        found.update(matches)
    return sorted(found)


def rows(path: Path, required: list[str]) -> Iterator[tuple[int, Raw]]:
    """(row number from 1, row) of a file; JSON rows as bytes, the others as a mapping.

    Raises BadInput where the file cannot be read or lacks a required column.
    """
    reader = {".csv": _csv_rows, ".parquet": _parquet_rows}.get(_ending(path), _json_rows)
    try:
        yield from reader(path, required)
    except (OSError, EOFError, zlib.error, pa.ArrowException, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path}: cannot be read ({_first_line(error)}); mend or remove the file"
        ) from None


def _json_rows(path: Path, required: list[str]) -> Iterator[tuple[int, Raw]]:
    with _open(path) as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if not line.endswith(b"\n") and len(line) == LONGEST_LINE:
                _skip_line(file)
                yield number, b""
            elif line.strip():
                yield number, line


def _csv_rows(path: Path, required: list[str]) -> Iterator[tuple[int, Raw]]:
    csv.field_size_limit(LONGEST_LINE)
    with _open(path) as binary:
        lines = (line.decode("utf-8-sig" if n == 0 else "utf-8") for n, line in enumerate(binary))
        table = csv.DictReader(lines)
        if table.fieldnames is None:
            return
        _require(path, required, list(table.fieldnames))
        for number, row in enumerate(_steps(path, table), 1):
            yield number, {k: _cell(k, v) for k, v in row.items() if k is not None and v}


def _steps(path: Path, table: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    try:
        yield from table
    except csv.Error as error:
        raise BadInput(
            f"{path}, line {table.line_num}: broken CSV ({error}); mend the line"
        ) from None


def _cell(name: str, value: str) -> Any:
    if name not in NESTED:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _parquet_rows(path: Path, required: list[str]) -> Iterator[tuple[int, Raw]]:
    with pq.ParquetFile(path) as file:
        _require(path, required, file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(batch_size=8192):
            for row in batch.to_pylist():
                number += 1
                yield number, {k: v for k, v in row.items() if v is not None}


def _require(path: Path, required: list[str], names: list[str]) -> None:
    for name in required:
        if name not in names:
            raise BadInput(
                f"{path}: has no column {name}; add it, or map yours under [log.columns] in the settings"
                f" (columns: {', '.join(names)[:200]})"
            )


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _skip_line(file: BinaryIO) -> None:
    while (piece := file.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):
        pass


def _ending(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
