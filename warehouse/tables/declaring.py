"""How a table declares itself: its columns and rules, its name, its grain, and what is published of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import dataframely as dy
import polars as pl

UTC_MS = pl.Datetime("ms", "UTC")
S = TypeVar("S", bound=dy.Schema)


class Grain(Enum):
    """What a partition of a table holds."""

    DAY = "what happened on the day"
    NIGHT = "what was believed that night, whole in itself"


class Published(Enum):
    """What the warehouse takes of a table."""

    NOTHING = "internal"
    NEWEST = "what the newest night believes"
    HISTORY = "all nights"


@dataclass(frozen=True)
class Declaration:
    """What is said of a table beside its columns. What is `carried` stands until it is replaced: a night in which
    nobody says anything does not empty it. What is `mended` holds decisions of persons, and changes between nights."""

    name: str
    schema: type[dy.Schema]
    grain: Grain
    published: Published
    carried: bool
    mended: bool


TABLES: dict[str, type[dy.Schema]] = {}
DECLARED: dict[str, Declaration] = {}
_NAMES: dict[type[dy.Schema], str] = {}


def table(
    name: str,
    *,
    grain: Grain = Grain.NIGHT,
    published: Published = Published.NOTHING,
    carried: bool = False,
    mended: bool = False,
) -> Callable[[type[S]], type[S]]:
    """Make a schema a table of the lake. ValueError where the name is taken by a table of another module."""

    def declare(schema: type[S]) -> type[S]:
        there = TABLES.get(name)
        if there is not None and there.__module__ != schema.__module__:
            raise ValueError(f"table {name} is declared in {there.__module__} already")
        TABLES[name] = schema
        DECLARED[name] = Declaration(name, schema, grain, published, carried or mended, mended)
        _NAMES[schema] = name
        return schema

    return declare


def name_of(schema: type[dy.Schema]) -> str:
    """The table's name."""
    return _NAMES[schema]


def tables_of(what: Grain | Published) -> list[str]:
    """The names of the tables of a grain, or of those that are published so."""
    return [name for name, d in DECLARED.items() if what in (d.grain, d.published)]


class Float16(dy.Float32):
    """A column of float16 values, which dataframely does not have."""

    @property
    def dtype(self) -> pl.DataType:
        return pl.Float16()


def text(meaning: str, *, null: bool = False, key: bool = False) -> dy.String:
    """A column of text."""
    return dy.String(nullable=null, primary_key=key, description=meaning)


def share(meaning: str, *, null: bool = False) -> dy.Float64:
    """A rate or probability, 0 to 1."""
    return dy.Float64(nullable=null, min=0.0, max=1.0, description=meaning)


def count(meaning: str, *, null: bool = False) -> dy.Int64:
    """A whole number from 0."""
    return dy.Int64(nullable=null, min=0, description=meaning)


def amount(meaning: str) -> dy.Float64:
    """A number from 0, such as an expected count."""
    return dy.Float64(nullable=False, min=0.0, description=meaning)


def strings(meaning: str) -> dy.List:
    """A list of texts."""
    return dy.List(dy.String(nullable=False), description=meaning)


def hypotheses() -> dy.List:
    """The assistant's n-best list."""
    inner: dict[str, Any] = {
        "intent": dy.String(nullable=True),
        "confidence": dy.Float64(nullable=True),
    }
    return dy.List(
        dy.Struct(inner),
        nullable=True,
        description="all hypotheses of the assistant, best first",
    )
