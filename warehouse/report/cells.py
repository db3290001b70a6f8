"""The tables of the report: which rows are shown, and what stands in a cell."""

import re
from typing import Any

import polars as pl
from markupsafe import Markup, escape

MOST_OF_ONE = 5  # rows of a locale, where it is chosen
SOME, MANY = 4, 6  # columns from which on a table needs some room, and much
HUNDRED = 100  # from which on a number is told without a fraction
NUMBERS = {"turns_a_day", "ratio", "gap_seconds", "seconds"}  # other fractions are shares
COMMAND = re.compile(r"\b(sayagain [a-z]+(?: (?:[0-9a-f-]{6,}|--[a-z-]+)\b)*)")


def table(found: pl.DataFrame, most: int, k: int) -> dict[str, Any]:
    """Columns by name, `number`, `text` or `whole`; how wide it is (`few`, `some` or `many` columns); the first rows, and then the first of each
    locale, which are for where it is chosen: its name, whether it is one of those, cells."""
    nowhere = pl.Series([None] * found.height, dtype=pl.String)
    place = found["locale"] if "locale" in found.columns else nowhere
    marked = found.select(place=place, more=pl.int_range(pl.len()) >= most)
    of_one = marked.select(pl.int_range(pl.len()).over("place") < MOST_OF_ONE).to_series()
    wanted = ~marked["more"] | (of_one & place.is_not_null())
    cells = cells_of(found.filter(wanted), k)
    rows = zip(
        *(marked.filter(wanted)[c] for c in marked.columns),
        zip(*cells.values(), strict=True),
        strict=True,
    )
    kinds = {name: _kind(name, found.schema[name]) for name in cells}
    fits = "few" if len(kinds) < SOME else "some" if len(kinds) < MANY else "many"
    return {"columns": kinds, "rows": list(rows), "fits": fits}


def _kind(name: str, kind: pl.DataType) -> str:
    """How a column is set: a `number`, `text`, or what is kept `whole` on its line."""
    if kind.is_numeric():
        return "number"
    return "whole" if name == "id" or kind.is_temporal() else "text"


def cells_of(found: pl.DataFrame, k: int) -> dict[str, list[str]]:
    """The cells of each column. A figure and the bounds that follow it (`...at_least`, `...at_most`) are one."""
    cells: dict[str, list[str]] = {}
    left = found.columns
    while left:
        name, *left = left
        told = [_told(found[name].name, value, found.schema[name], k) for value in found[name]]
        if [c.endswith(b) for c, b in zip(left, ("at_least", "at_most"), strict=False)] == [
            True
        ] * 2:
            low, high = (
                [_told(name, value, found.schema[c], k) for value in found[c]] for c in left[:2]
            )
            told = [
                f"{t} ({a} to {b})" if a and b else t
                for t, a, b in zip(told, low, high, strict=True)
            ]
            left = left[2:]
        cells[name] = told
    return cells


def _told(name: str, value: Any, kind: pl.DataType, k: int) -> str:
    """A cell. A count that is not told is a small one."""
    if value is None:
        return f"<{k}" if kind.is_integer() else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        rough = f"{value:,.0f}" if value >= HUNDRED else f"{value:.3g}"
        return rough if name in NUMBERS else f"{value:.0%}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def pasted(text: str) -> Markup:
    """The text with its commands marked, to be pasted; one element, if there are any."""
    marked, commands = COMMAND.subn(r"<code>\1</code>", str(escape(text)))
    return Markup(f"<span>{marked}</span>" if commands else marked)
