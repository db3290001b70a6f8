"""Files of columns that a user brings, such as word lists: UTF-8 text, packed or not, a row a line, lines
that begin with # left out."""

import csv
import zlib
from pathlib import Path

import polars as pl

from mining.ingest.rows import opened
from warehouse.errors import BadInput

COMMENT = "#"


def columns(path: Path, names: tuple[str, ...], separators: str) -> pl.DataFrame:
    """The cells of each row by `names`, without the blanks around them. The first row tells which of
    the `separators` parts the cells; of a comma, cells may be quoted.

    Every row must be good: BadInput names the first that is not.
    """
    lines = _lines(path)
    if lines.is_empty():
        raise BadInput(f"{path}: holds no row; {_rule(names, separators[0])}")
    separator = next((s for s in separators if s in lines["line"][0]), separators[0])
    if separator == ",":
        cells = pl.Series(_quoted(path, lines), dtype=pl.List(pl.String()))
    else:
        cells = lines["line"].str.split(separator)
    named = [_cell(cells, at).alias(name) for at, name in enumerate(names)]
    found = lines.select("row", *named, cells=cells.list.len())
    _check(path, found, names, _rule(names, separator))
    return found.select(names)


def _lines(path: Path) -> pl.DataFrame:
    """`row` (from 1), `line`: those that say something."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file; mend its path under [languages] in the settings")
    try:
        lines = pl.read_lines(path, name="line")
    except pl.exceptions.ComputeError as error:
        raise BadInput(f"{path}{_undecodable(path)}; write the file as UTF-8 ({error})") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error}); mend the file") from None
    said = pl.col("line").str.strip_chars()
    rows = lines.with_row_index("row", offset=1).with_columns(
        pl.col("line").str.strip_prefix("\ufeff")
    )
    return rows.filter((said != "") & ~said.str.starts_with(COMMENT))


def _undecodable(path: Path) -> str:
    """The row that is not UTF-8, or what keeps the file from being unpacked."""
    try:
        with opened(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return f", row {number}: is not UTF-8"
    except (OSError, EOFError, zlib.error) as error:
        return f": cannot be unpacked ({error})"
    return ": cannot be read"


def _quoted(path: Path, lines: pl.DataFrame) -> list[list[str]]:
    found = []
    for number, line in lines.iter_rows():
        try:
            found.append(next(csv.reader([line], strict=True)))
        except csv.Error as error:
            raise BadInput(f"{path}, row {number}: broken CSV ({error}); mend the row") from None
    return found


def _cell(cells: pl.Series, at: int) -> pl.Series:
    return cells.list.get(at, null_on_oob=True).str.strip_chars()


def _check(path: Path, found: pl.DataFrame, names: tuple[str, ...], rule: str) -> None:
    """Raise BadInput for the first row that lacks a cell or has more."""
    wrong = {
        f"{name} is missing": pl.col(name).is_null() | (pl.col(name) == "") for name in names
    } | {"has more cells": pl.col("cells") > len(names)}
    reason = pl.coalesce(pl.when(test).then(pl.lit(why)) for why, test in wrong.items())
    bad = found.select("row", reason=reason).drop_nulls().head(1)
    if bad.height:
        raise BadInput(f"{path}, row {bad['row'].item()}: {bad['reason'].item()}; {rule}")


def _rule(names: tuple[str, ...], separator: str) -> str:
    parted = "a tab" if separator == "\t" else "a comma"
    return f"a row is {', '.join(names)}, with {parted} between them"
