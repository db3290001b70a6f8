"""Rows of a log file, one by one, each with its row number: JSON lines or documents, delimited text, Parquet;
packed or not, in UTF-8 or UTF-16. What a file is, its first bytes say; its ending only where they do not.

Notation and constants: docs/method.md, 11.
"""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from mining.ingest.paths import reached, root
from warehouse.errors import BadInput

LONGEST_LINE = 8 << 20  # bytes; what is longer is no row of a log
LARGEST_DOCUMENT = 1 << 30  # bytes of one JSON document, which is read as a whole
PACKED = (".gz", ".bz2", ".xz", ".zst")
ENDINGS = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet")
NESTED = ("n_best", "slots")
SEPARATORS = ",;\t|"
SEQUENCE = b"\x1e"  # before each text of a JSON text sequence (RFC 7464)
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
FOREIGN = {  # first bytes of what is no log
    b"SQLite format 3\0": "is an SQLite database; say with --source which system wrote it",
    b"PK\x03\x04": "is a zip archive or a workbook; unpack it, or save its sheet as CSV",
    b"%PDF": "is a PDF; export the log as JSON lines or CSV",
    b"\xd0\xcf\x11\xe0": "is a workbook of an old Excel; save its sheet as CSV",
    b"7z\xbc\xaf": "is a 7z archive; unpack it",
    b"Rar!": "is a RAR archive; unpack it",
    b"\x04\x22\x4d\x18": "is packed with LZ4; unpack it, or pack it with gzip or zstd",
    b"Obj\x01": "is Avro; write it as Parquet or JSON lines",
    b"ORC": "is ORC; write it as Parquet or JSON lines",
    b"ARROW1": "is an Arrow file; write it as Parquet",
    b"<?xml": "is XML; export the log as JSON lines or CSV",
    b"<!DOCTYPE": "is a web page; export the log as JSON lines or CSV",
    b"<html": "is a web page; export the log as JSON lines or CSV",
}
TAR = slice(257, 262)  # where a tar archive says so


class Broken(str):
    """What is wrong with a row that its reader could not make out."""


Raw = bytes | dict[str, Any] | Broken


def decoded(raw: Raw) -> dict[str, Any] | Broken:
    """A row as an object."""
    if not isinstance(raw, bytes):
        return raw
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return Broken(f"is not JSON in UTF-8 ({str(error)[:80]})")
    return read if isinstance(read, dict) else Broken("is no JSON object; a row is an object")


def log_files(patterns: list[str]) -> list[Path]:
    """The files behind paths, folders and globs, sorted; BadInput where one leads nowhere."""
    found: set[Path] = set()
    for pattern in patterns:
        if ADDRESS.match(pattern):
            raise BadInput(f"{pattern}: is an address, and sayagain reads files; copy or mount it")
        path = Path(pattern).expanduser()
        if path.is_dir():
            matches = [p for p in _inside(path) if ending(p) in ENDINGS]
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


def left_out(patterns: list[str]) -> list[Path]:
    """The files of the folders among `patterns` that are not read, for their ending says nothing."""
    folders = [Path(p).expanduser() for p in patterns]
    return sorted(p for f in folders if f.is_dir() for p in _inside(f) if ending(p) not in ENDINGS)


def _inside(folder: Path) -> list[Path]:
    """The files of a folder and of those in it, without hidden ones."""
    inside = (p for p in folder.rglob("*") if p.is_file())
    return [p for p in inside if not any(n.startswith(".") for n in p.relative_to(folder).parts)]


def rows(
    path: Path, required: list[str], nested: Collection[str] = NESTED
) -> Iterator[tuple[int, Raw]]:
    """(row number from 1, row) of a file; JSON lines as bytes, the others as a mapping.

    `nested` names the columns whose cells hold JSON in delimited text.

    Raises BadInput where the file cannot be read or lacks a required column.
    """
    try:
        with opened(path) as file:
            head = file.peek(4096)[:4096]  # type: ignore[attr-defined]
            for mark, what in FOREIGN.items():
                if head.startswith(mark):
                    raise BadInput(f"{path}: {what}")
            if head[TAR] == b"ustar":
                raise BadInput(f"{path}: is a tar archive; unpack it")
            if head.startswith(b"PAR1"):
                if path.suffix.lower() in PACKED:
                    raise BadInput(f"{path}: is a packed Parquet file; unpack it")
                yield from _parquet_rows(path, required)
            elif _is_delimited(path, head):
                yield from _delimited_rows(path, _in_utf8(path, file, head), required, nested)
            else:
                yield from _json_rows(path, _in_utf8(path, file, head), required)
    except (
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        pa.ArrowException,
        OverflowError,
    ) as error:
        raise BadInput(
            f"{path}: cannot be read ({_first_line(error)}); mend or remove the file"
        ) from None


def _is_delimited(path: Path, head: bytes) -> bool:
    if ending(path) in (".csv", ".tsv"):
        return True
    text = head.decode("utf-16" if head.startswith(UTF16) else "utf-8", "replace")
    begun = text.lstrip("\ufeff \r\n\t")[:1]
    return ending(path) not in ENDINGS and begun not in ("{", "[", "")


def _in_utf8(path: Path, file: BinaryIO, head: bytes) -> BinaryIO:
    if not head.startswith(UTF16):
        return file
    return io.BytesIO(_whole(path, file).decode("utf-16", "replace").encode())


def _whole(path: Path, file: BinaryIO) -> bytes:
    content = file.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        raise BadInput(
            f"{path}: is one document of more than {LARGEST_DOCUMENT >> 30} GiB; write it a row a line"
        )
    return content


def _json_rows(path: Path, file: BinaryIO, required: list[str]) -> Iterator[tuple[int, Raw]]:
    first = b""
    while not first.strip() and (line := file.readline(LONGEST_LINE)):
        first += line
    start = first.lstrip().removeprefix(codecs.BOM_UTF8)
    if not _is_document(start, required):
        yield from _lines(first, file)
        return
    text = (start + _whole(path, file)).decode("utf-8", "replace")
    if _begins_whole(text):
        yield from enumerate(_documents(path, text, required), 1)
    else:  # a row a line after all, the first of them broken
        yield from _lines(b"", io.BytesIO(text.encode()))


def _begins_whole(text: str) -> bool:
    try:
        json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return text.startswith("[{")  # an array that breaks off is said to be broken
    return True


def _is_document(first: bytes, required: list[str]) -> bool:
    """Whether rows lie inside an array or an object, rather than a row a line: by the first line."""
    if not first.startswith((b"{", b"[")):
        return False
    text = first.decode("utf-8", "replace")
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return text.strip() in ("{", "[") or text.startswith("[") or len(first) >= LONGEST_LINE
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict)
    follows = text[end:].lstrip()
    return follows.startswith("{") if follows else _wrapped(value, required) is not None


def _wrapped(value: dict[str, Any], required: list[str]) -> list[Any] | None:
    """The rows that an object holds instead of being one."""
    if not required or any(reached(value, name) is not None for name in required):
        return None
    lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    return max(lists, key=len, default=None)


def _documents(path: Path, text: str, required: list[str]) -> Iterator[Raw]:
    at, decode = 0, json.JSONDecoder().raw_decode
    while (at := _past_blanks(text, at)) < len(text):
        try:
            value, at = decode(text, at)
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"{path}: is broken JSON ({_first_line(error)}); mend the file"
            ) from None
        held = value if isinstance(value, list) else None
        if isinstance(value, dict):
            held = _wrapped(value, required) or [value]
        for row in held if held is not None else [value]:
            yield row if isinstance(row, dict) else Broken("is no JSON object; a row is an object")


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \r\n\t,":
        at += 1
    return at


def _lines(first: bytes, file: BinaryIO) -> Iterator[tuple[int, Raw]]:
    """A row a line; `first` is what was read of the file before, to the end of its first row."""
    number = max(0, len(first.splitlines()) - 1)
    line = (first.splitlines(keepends=True) or [file.readline(LONGEST_LINE)])[-1]
    while line:
        number += 1
        if not line.endswith(b"\n") and len(line) == LONGEST_LINE:
            _skip_line(file)
            yield number, Broken(f"is longer than {LONGEST_LINE >> 20} MiB; log one turn a row")
        elif line.strip(b" \t\r\n" + SEQUENCE):
            plain = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            yield number, plain.removeprefix(SEQUENCE)
        line = file.readline(LONGEST_LINE)


def _delimited_rows(
    path: Path, file: BinaryIO, required: list[str], nested: Collection[str]
) -> Iterator[tuple[int, Raw]]:
    csv.field_size_limit(LONGEST_LINE)
    lines = (line.decode("utf-8", "surrogateescape") for line in file)
    header = next(lines, "").removeprefix("\ufeff")
    if named := re.fullmatch(r"sep=(.)\r?\n", header):
        header = next(lines, "")
    if not header.strip():
        return
    try:
        separator = named.group(1) if named else _separator(header, required)
        names = next(csv.reader([header], delimiter=separator))
    except (csv.Error, TypeError) as error:
        raise BadInput(f"{path}: has a broken header ({error}); mend it") from None
    _require(path, required, names)
    table = csv.reader(lines, delimiter=separator, strict=True)
    number = 0
    while (cells := _next_row(path, table)) is not None:
        if cells:
            number += 1
            yield number, cells if isinstance(cells, Broken) else _cells(names, cells, nested)


def _separator(header: str, required: list[str]) -> str:
    """That which shows most of the required names, and else occurs most."""

    def worth(separator: str) -> tuple[int, int]:
        names = next(csv.reader([header], delimiter=separator))
        return sum(name in names for name in required), len(names)

    return max(SEPARATORS, key=worth)


def _next_row(path: Path, table: Any) -> list[str] | Broken | None:
    """A row that cannot be made out costs itself alone, but for an open quote, which swallows the rest."""
    try:
        return cast(list[str], next(table))
    except StopIteration:
        return None
    except csv.Error as error:
        if "end of data" in str(error):
            raise BadInput(f"{path}: is broken CSV (a quote is never closed); mend it") from None
        return Broken(f"is broken CSV ({error}); mend the row")


def _cells(names: list[str], cells: list[str], nested: Collection[str]) -> Raw:
    if len(cells) > len(names):
        return Broken("has more cells than the header; quote cells that hold the separator")
    filled = {k: v for k, v in zip(names, cells, strict=False) if v}
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
        if name not in names and root(name) not in names:
            raise BadInput(
                f"{path}: has no column {name}; add it, or map yours under [log.columns] in the settings"
            )


def kind_of(path: Path) -> str:
    """What a file is, in words."""
    if is_sqlite(path):
        return "an SQLite database"
    with opened(path) as file:
        head = file.peek(4096)[:4096]  # type: ignore[attr-defined]
    packed = "packed " if path.suffix.lower() in PACKED else ""
    wide = " in UTF-16" if head.startswith(UTF16) else ""
    if head.startswith(b"PAR1"):
        return "Parquet"
    if _is_delimited(path, head):
        return f"{packed}delimited text{wide}"
    return f"{packed}JSON{wide}"


def is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def opened(path: Path) -> BinaryIO:
    """The file's bytes, unpacked where it is packed."""
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(b"BZh"):
        return cast(BinaryIO, bz2.open(path))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast(BinaryIO, lzma.open(path))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return cast(
            BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
        )
    return path.open("rb")


def _skip_line(file: BinaryIO) -> None:
    while (piece := file.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):
        pass


def ending(path: Path) -> str:
    """What the name of a log says of its content, whatever it is packed with."""
    plain = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return plain.suffix.lower()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
