"""Rows of a log file, one by one, each with its row number: JSON lines, CSV, Parquet."""

import codecs
import csv
import gzip
import json
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import BadInput

LONGEST_LINE = 8 << 20  # bytes; what is longer is no row of a log
ENDINGS = (".jsonl", ".json", ".ndjson", ".csv", ".parquet")
NESTED = ("n_best", "slots")


class Broken(str):
    """What is wrong with a row that its reader could not make out."""


Raw = bytes | dict[str, Any] | Broken


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
            try:
                found_here = list(anchor.glob(str(path.relative_to(anchor))))
            except ValueError as error:
                raise BadInput(f"{pattern}: is not a glob ({error})") from None
            matches = [p for p in found_here if p.is_file()]
        if not matches:
            raise BadInput(f"{pattern}: no log file there; name a file, a folder or a glob")
        found.update(matches)
    return sorted(found)


def rows(
    path: Path, required: list[str], nested: Collection[str] = NESTED
) -> Iterator[tuple[int, Raw]]:
    """(row number from 1, row) of a file; JSON rows as bytes, the others as a mapping.

    `nested` names the columns whose CSV cells hold JSON.

    Raises BadInput where the file cannot be read or lacks a required column.
    """
    try:
        match _ending(path):
            case ".csv":
                yield from _csv_rows(path, required, nested)
            case ".parquet":
                yield from _parquet_rows(path, required)
            case _:
                yield from _json_rows(path)
    except (OSError, EOFError, zlib.error, pa.ArrowException, OverflowError) as error:
        raise BadInput(
            f"{path}: cannot be read ({_first_line(error)}); mend or remove the file"
        ) from None


def _json_rows(path: Path) -> Iterator[tuple[int, Raw]]:
    with opened(path) as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if not line.endswith(b"\n") and len(line) == LONGEST_LINE:
                _skip_line(file)
                yield number, Broken(f"is longer than {LONGEST_LINE >> 20} MiB; log one turn a row")
            elif line.strip():
                yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def _csv_rows(
    path: Path, required: list[str], nested: Collection[str]
) -> Iterator[tuple[int, Raw]]:
    csv.field_size_limit(LONGEST_LINE)
    with opened(path) as binary:
        lines = (line.decode("utf-8", "surrogateescape") for line in binary)
        table = csv.DictReader(_without_mark(lines), strict=True)
        if table.fieldnames is None:
            return
        _require(path, required, list(table.fieldnames))
        for number, row in enumerate(_steps(path, table), 1):
            yield number, _cells(row, nested)


def _without_mark(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _cells(row: dict[str, str], nested: Collection[str]) -> Raw:
    if None in row:
        return Broken("has more cells than the header; quote cells that hold a comma")
    filled = {k: v for k, v in row.items() if v}
    if not all(map(_is_unicode, filled.values())):
        return Broken("is not UTF-8; write the file as UTF-8")
    return {k: _json(v) if k in nested else v for k, v in filled.items()}


def _is_unicode(cell: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in cell)


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _steps(path: Path, table: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    try:
        yield from table
    except csv.Error as error:
        raise BadInput(
            f"{path}, line {table.line_num}: broken CSV ({error}); mend the line"
        ) from None


def _parquet_rows(path: Path, required: list[str]) -> Iterator[tuple[int, Raw]]:
    with pq.ParquetFile(path) as file:
        _require(path, required, file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(batch_size=8192):
            for row in _plain_times(batch).to_pylist():
                number += 1
                yield number, {k: v for k, v in row.items() if v is not None}


def _plain_times(batch: pa.RecordBatch) -> pa.Table:
    """Times in microseconds: what Python's datetime can hold."""
    table = pa.Table.from_batches([batch])
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            plain = pa.timestamp("us", column.type.tz)
            table = table.set_column(place, column.name, table[place].cast(plain, safe=False))
    return table


def _require(path: Path, required: list[str], names: list[str]) -> None:
    for name in required:
        if name not in names:
            raise BadInput(
                f"{path}: has no column {name}; add it, or map yours under [log.columns] in the settings"
            )


def opened(path: Path) -> BinaryIO:
    """The file's bytes, unpacked where it is packed."""
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
