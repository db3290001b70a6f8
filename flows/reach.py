"""Which code a step can reach: what must be computed anew when a file is edited, and what need not.

Read from the program's own text, before it runs: from a function along the names that it uses, from a module along what it
imports, to the data files and SQL files that either names. A help text is reached by no step; `words.toml` is by those that
cluster.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mining.engines.engine import sql_files
from warehouse.common.digests import digest, file_digest

OURS = ("flows", "mining", "aggregation", "retrain", "warehouse")
ROOT = Path(__file__).parent.parent
# What a step meets behind a Protocol or by what it declares: the engines, and how what is declared is read and bound.
BEHIND = ("mining.engines.duckdb_engine", "mining.engines.spark_engine", "mining.sessions.bots")
PIPELINE = Path(__file__).with_name("pipeline.py")


def code_of(step: Callable[..., Any]) -> str:
    """A hash of all code and data that a function of ours can reach."""
    texts, places = _of_function(step)
    for module in BEHIND:
        places |= _of_module(module)
    places.add(PIPELINE)
    return digest(
        sorted(texts), [(str(p.relative_to(ROOT)), file_digest(p)) for p in sorted(places)]
    )


def _of_function(first: Callable[..., Any]) -> tuple[set[str], set[Path]]:
    """The text of what a function uses of its own module, and the files of all else."""
    home = first.__module__
    texts: set[str] = set()
    places: set[Path] = set()
    seen: set[int] = set()
    left: list[Any] = [first]
    while left:
        thing = inspect.unwrap(left.pop())
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (str, int, float, tuple, frozenset)):
            texts.add(repr(thing))
        elif isinstance(thing, ModuleType):
            places |= _of_module(thing.__name__)
        elif getattr(thing, "__module__", None) != home:
            places |= _of_module(getattr(thing, "__module__", None) or "")
        elif isinstance(thing, FunctionType):
            text = inspect.getsource(thing)
            texts.add(text)
            places |= set(_sql(ast.walk(ast.parse(dedent(text)))))
            left += [thing.__globals__[n] for n in _names(thing.__code__) if n in thing.__globals__]
        elif isinstance(thing, type):
            texts.add(inspect.getsource(thing))
            left += [f for f in vars(thing).values() if isinstance(f, FunctionType) and _written(f)]
    return texts, places


def _written(function: FunctionType) -> bool:
    """Not made by a decorator, such as a dataclass's."""
    return not inspect.unwrap(function).__code__.co_filename.startswith("<")


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _names(code: CodeType) -> set[str]:
    return {name for each in _codes(code) for name in each.co_names}


def _of_module(name: str) -> frozenset[Path]:
    """The files that a module of ours and all that it imports are made of; none of another's."""
    found: set[Path] = set()
    left, seen = [name], set[str]()
    while left:
        module = left.pop()
        if module in seen or module.split(".")[0] not in OURS:
            continue
        seen.add(module)
        files, imported = _read(module)
        found |= files
        left += imported
    return frozenset(found)


@cache
def _read(module: str) -> tuple[frozenset[Path], frozenset[str]]:
    """The files that a module itself is made of, and what it imports; nothing of a name in a module."""
    place = _place(module)
    if place is None:
        return frozenset(), frozenset()
    tree = ast.parse(place.read_text(encoding="utf8"))
    nodes = list(ast.walk(tree))
    return frozenset({place, *_sql(nodes), *_data(place, nodes)}), frozenset(_imported(nodes))


def _place(module: str) -> Path | None:
    """The file of a module of ours, where it is one."""
    stem = ROOT.joinpath(*module.split("."))
    return next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file()), None)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What a module imports; what it takes from a package may be a module itself."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _sql(nodes: Iterable[ast.AST]) -> Iterator[Path]:
    """The SQL files that an engine is asked for. All read through the view of people."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            asked, first = node.func.attr in ("query", "write"), node.args[0]
            if asked and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield from (sql_files()[n] for n in (first.value, "people") if n in sql_files())


def _data(place: Path, nodes: Iterable[ast.AST]) -> Iterator[Path]:
    """The files beside a module that it names, by their name or ending."""
    words = {node.value for node in nodes if isinstance(node, ast.Constant)}
    for other in place.parent.iterdir():
        if other.suffix not in ("", ".py", ".sql") and words & {other.name, other.suffix}:
            yield other
