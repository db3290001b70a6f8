"""Steps that declare themselves: what each reads, writes and depends on, from which follow its key, what it may see, when it
is done again, in which order the steps come, and what a night in which nobody speaks empties.

A step is done once for the same contents of what it reads, the same values of its settings and the same code and data
files that it reaches (`flows/reach.py`). What it writes is committed together, or nothing is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import dataframely as dy
import polars as pl

from flows.guarded import Guarded, dumped
from flows.reach import code_of
from flows.settings import Settings
from mining.engines.engine import PEOPLE, Engine, Params, inputs_of
from mining.sessions.block_files import BlockFiles
from mining.sessions.blocks import Block
from mining.sessions.bots import people
from warehouse.common.digests import digest
from warehouse.common.files import keep_once
from warehouse.home import Home
from warehouse.lake import Lake, Transaction, Undeclared, shifted, window_start
from warehouse.ledger import Ledger
from warehouse.tables import DECLARED, NightPlans, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Result = dict[str, Any]
BEHIND_PEOPLE = inputs_of(PEOPLE)
S = TypeVar("S", bound=dy.Schema)


class Scope(Enum):
    """Which days of a table a step reads."""

    TONIGHT = "tonight"
    WINDOW = "the window"
    LAST_NIGHT = "the last night before"
    EARLIER = "all nights before"
    EVERY = "every day"
    OWN = "its own"  # as it left them, and as persons mended them since: part of no key

    def days(self, there: Sequence[str], day: str, window: int) -> list[str]:
        """Of the days that are `there`, those of the scope as of the night `day`, whose window has so many days."""
        if self in (Scope.EVERY, Scope.OWN):
            return list(there)
        if self is Scope.WINDOW:
            return [d for d in there if window_start(day, window) <= d <= day]
        before = [d for d in there if d < day]
        if self is Scope.EARLIER:
            return before
        return before[-1:] if self is Scope.LAST_NIGHT else [d for d in there if d == day]


@dataclass(frozen=True)
class TableRead:
    """A table that a step reads, and which days of it."""

    table: str
    scope: Scope


def tonight(*schemas: type[dy.Schema]) -> tuple[TableRead, ...]:
    return tuple(TableRead(name_of(s), Scope.TONIGHT) for s in schemas)


def window(*schemas: type[dy.Schema]) -> tuple[TableRead, ...]:
    return tuple(TableRead(name_of(s), Scope.WINDOW) for s in schemas)


def last_night(*schemas: type[dy.Schema]) -> tuple[TableRead, ...]:
    return tuple(TableRead(name_of(s), Scope.LAST_NIGHT) for s in schemas)


def earlier(*schemas: type[dy.Schema]) -> tuple[TableRead, ...]:
    return tuple(TableRead(name_of(s), Scope.EARLIER) for s in schemas)


def every(*schemas: type[dy.Schema]) -> tuple[TableRead, ...]:
    return tuple(TableRead(name_of(s), Scope.EVERY) for s in schemas)


def own(*schemas: type[dy.Schema]) -> tuple[TableRead, ...]:
    return tuple(TableRead(name_of(s), Scope.OWN) for s in schemas)


@dataclass(frozen=True)
class Night:
    """What a night works with."""

    home: Home
    settings: Settings
    engine: Engine
    now: date  # by the clock, UTC
    seed_data: pl.DataFrame | None = None  # to be kept once the log is taken in
    until: date | None = None  # last day of which the log may have turns
    receivers: tuple[str, ...] = ()  # whom a decision to retrain is for
    full: bool = False  # asked to learn everything anew
    odd: tuple[str, ...] = ()  # about the files of the log
    logs: tuple[Path, ...] = ()
    began: float = field(default_factory=time.perf_counter)

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.home.root / "ledger")

    def window(self, table: str, day: str) -> list[str]:
        """The days of a table that count on `day`."""
        return Scope.WINDOW.days(self.lake.days(table), day, self.settings.mining.window_days)


@dataclass(frozen=True)
class Daily:
    """A table whose days a step makes one by one: each depends on what the step reads of the window on so many days
    before and after it, and stands where that is the same."""

    table: type[dy.Schema]
    before: int
    after: int

    def around(self, day: str) -> list[str]:
        """The days that a day depends on."""
        return [shifted(day, n) for n in range(-self.before, self.after + 1)]


@dataclass(frozen=True)
class Fact:
    """What a step depends on beside tables and settings, such as the champion; told as what JSON can hold."""

    name: str
    of: Callable[[Night], object]


class Reading:
    """What a step sees of a night, and where it leaves what it makes: nothing but what it declared.

    `lake` refuses other tables and days, `settings` other settings (both Undeclared).
    """

    def __init__(self, step: Step, night: Night, day: str) -> None:
        self.day, self._night, self._step = day, night, step
        self.engine, self.home, self.ledger = night.engine, night.home, night.ledger
        self.logs, self.now, self.until = list(night.logs), night.now, night.until
        self.kept: list[Path] = []
        self.made: list[tuple[Daily, str]] = []
        self.settings = cast("Settings", Guarded(night.settings, step.settings))
        reads: dict[str, set[str]] = {}
        for read in step.reads:
            reads.setdefault(read.table, set()).update(step.days(read, night, day))
        self.lake = Transaction(night.home.lake, reads, {name_of(s) for s in step.writes})

    def tonight(self, table: type[S]) -> dy.DataFrame[S]:
        """The rows of tonight."""
        return cast("dy.DataFrame[S]", self.lake.read(name_of(table), [self.day]))

    def last_night(self, table: type[S]) -> dy.DataFrame[S]:
        """The rows of the last night before that has any."""
        return cast("dy.DataFrame[S]", self.lake.read(name_of(table), self.nights(table)[-1:]))

    @property
    def full(self) -> bool:
        """Whether the night learns everything anew, for a step that reads NightPlans of tonight."""
        plan = self.tonight(NightPlans)
        return plan.is_empty() or bool(plan["full"].item())

    def nights(self, table: type[dy.Schema]) -> list[str]:
        """The nights before that may be read."""
        return [d for d in self.lake.days(name_of(table)) if d < self.day]

    def window(self, table: type[S]) -> dy.DataFrame[S]:
        """The rows of the window."""
        return cast("dy.DataFrame[S]", self.lake.read(name_of(table), self.days(table)))

    def days(self, table: type[dy.Schema]) -> list[str]:
        """The days of the window that the table has."""
        return self._window(name_of(table))

    def files(self, table: type[dy.Schema]) -> list[Path]:
        """The files of the window."""
        return self.lake.files(name_of(table), self.days(table))

    def query(
        self, sql: str, inputs: Mapping[str, Any] | None = None, params: Params | None = None
    ) -> pl.DataFrame:
        """The rows of a file of `mining`. Of what it reads, `inputs` are given; the rest are tables that the step
        declares: of the window as files, of tonight as rows."""
        given = dict(inputs or {})
        missing = [name for name in inputs_of(sql) if name not in given]
        return self.engine.query(sql, given | {t: self._input(t) for t in missing}, params)

    def inputs(self, *tables: type[dy.Schema]) -> dict[str, pl.DataFrame | list[Path]]:
        """What a query takes of these tables, by their names."""
        return {name: self._input(name) for name in map(name_of, tables)}

    def _input(self, table: str) -> pl.DataFrame | list[Path]:
        scopes = {r.scope for r in self._step.reads if r.table == table}
        if Scope.WINDOW not in scopes:
            return self.lake.read(table, [self.day])
        if table in BEHIND_PEOPLE:
            return people(self.lake, self._window(table))[table]
        return self.lake.files(table, self._window(table))

    def fact(self, fact: Fact) -> Any:
        """What a declared fact is tonight."""
        if fact not in self._step.facts:
            raise Undeclared(f"{fact.name} is read, which is not declared")
        return fact.of(self._night)

    def settings_as_json(self) -> str:
        """The declared sections of the settings, what is left open apart."""
        sections = set(self._step.settings)
        return self._night.settings.model_dump_json(indent=1, exclude_none=True, include=sections)

    def _window(self, table: str) -> list[str]:
        window = self._night.settings.mining.window_days
        return Scope.WINDOW.days(self.lake.days(table), self.day, window)

    def keep(self, folder: Path, fill: Callable[[Path], None]) -> None:
        """Make an immutable folder of the home; where it is gone, the step is done again."""
        keep_once(folder, fill)
        self.kept.append(folder.relative_to(self.home.root))

    def block_files(self, blocks: Iterable[Block], *tables: type[dy.Schema]) -> list[BlockFiles]:
        """Blocks of days with the files of these tables, to be worked on by the engine; they go with the step."""
        place = self.lake.staging(f"{self._step.name}-blocks")
        found = []
        for number, block in enumerate(blocks):
            files = {
                name: {d: self.lake.files(name, [d]) for d in block.read}
                for name in map(name_of, tables)
            }
            (place / str(number)).mkdir()
            found.append(BlockFiles(block, files, place / str(number)))
        return found

    def standing(self, daily: Daily, days: Iterable[str]) -> set[str]:
        """Of these days those that were made already, of the same contents by the same code and settings."""
        return {day for day in days if self._step.stands(self._night, daily, day)}

    def put_daily(self, daily: Daily, day: str, rows: pl.DataFrame) -> None:
        """Leave the rows of a day, which stands from now on."""
        self.lake.put(name_of(daily.table), day, rows)
        self.made.append((daily, day))

    def put(self, table: type[dy.Schema], rows: pl.DataFrame) -> int:
        """Leave the rows of tonight; how many they are."""
        return self.lake.put(name_of(table), self.day, rows)


@dataclass(frozen=True)
class Step:
    """A function of a night, with what it declares."""

    work: Callable[[Reading], Result]
    reads: tuple[TableRead, ...]
    writes: tuple[type[dy.Schema], ...]
    settings: tuple[str, ...]
    facts: tuple[Fact, ...]

    @property
    def name(self) -> str:
        return self.work.__name__

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, night: Night, day: str) -> Result:
        """What the step comes to, computed where it was not; `fresh` says whether it was."""
        night.lake.recover()
        key = self.key(night, day)
        known = night.ledger.find(self.name, key)
        if known is not None and self._holds(night, known):
            return dict(known["result"], fresh=False)
        reading = Reading(self, night, day)
        result = self.work(reading)
        places = reading.lake.commit()
        wrote = [[table, *night.lake.contents(table, [d])[0]] for table, d in places]
        kept = [str(folder) for folder in reading.kept]
        night.ledger.record(self.name, key, {"result": result, "wrote": wrote, "kept": kept})
        for daily, made in reading.made:
            content = night.lake.contents(name_of(daily.table), [made])
            night.ledger.record(*self._of_day(night, daily, made), {"wrote": content})
        return dict(result, fresh=True)

    def stands(self, night: Night, daily: Daily, day: str) -> bool:
        """Whether the step made the day of a table, which is as it left it, of what is there now."""
        known = night.ledger.find(*self._of_day(night, daily, day))
        content = night.lake.contents(name_of(daily.table), [day])
        return known is not None and known["wrote"] == [list(c) for c in content]

    def _of_day(self, night: Night, daily: Daily, day: str) -> tuple[str, str]:
        """Under what the ledger has a day of a table."""
        read = [
            [r.table, night.lake.contents(r.table, daily.around(day))]
            for r in self.reads
            if r.scope is Scope.WINDOW
        ]
        asked = dumped(night.settings, self.settings)
        key = digest(name_of(daily.table), day, code_of(self.work), asked, read)
        return f"{self.name}-day", key

    def key(self, night: Night, day: str) -> str:
        """A hash of all that the step depends on."""
        read = [
            [r.table, night.lake.contents(r.table, self.days(r, night, day))]
            for r in self.reads
            if r.scope is not Scope.OWN
        ]
        facts = {fact.name: fact.of(night) for fact in self.facts}
        asked = dumped(night.settings, self.settings)
        return digest(self.name, day, code_of(self.work), asked, facts, read)

    def days(self, read: TableRead, night: Night, day: str) -> list[str]:
        """The days of a table that it reads on a night."""
        there = night.lake.days(read.table)
        return read.scope.days(there, day, night.settings.mining.window_days)

    def _holds(self, night: Night, known: dict[str, Any]) -> bool:
        """Whether what it left is there still, but for what persons mend."""
        folders = all((night.home.root / folder).is_dir() for folder in known["kept"])
        return folders and all(
            [(day, content)] == night.lake.contents(table, [day])
            or (DECLARED[table].mended and day in night.lake.days(table))
            for table, day, content in known["wrote"]
        )


def step(
    *,
    reads: Iterable[TableRead] = (),
    writes: Iterable[type[dy.Schema]] = (),
    settings: Iterable[str] = (),
    facts: Iterable[Fact] = (),
) -> Callable[[Callable[[Reading], Result]], Step]:
    """Make a function a step. `settings` are sections (`privacy`) or single ones (`mining.window_days`)."""

    def declare(work: Callable[[Reading], Result]) -> Step:
        return Step(work, tuple(reads), tuple(writes), tuple(settings), tuple(facts))

    return declare


class Caller(Protocol):
    """How a step is called: directly, or as a Prefect task."""

    def __call__(self, step: Callable[..., Result], *args: Any) -> Result: ...


def directly(step: Callable[..., Result], *args: Any) -> Result:
    """A Caller that only calls."""
    return step(*args)


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, each after those that write what it reads of tonight; else as they are listed.

    ValueError where two write one table, or each waits for the other.
    """
    listed = list(steps)
    if len({each.name for each in listed}) < len(listed):
        raise ValueError("two steps have one name")
    writers: dict[str, Step] = {}
    for each in listed:
        for table in map(name_of, each.writes):
            if table in writers:
                raise ValueError(f"{each.name} and {writers[table].name} both write {table}")
            writers[table] = each
    after = {
        each.name: {
            writers[r.table].name
            for r in each.reads
            if r.scope in (Scope.TONIGHT, Scope.WINDOW, Scope.EVERY)
            and r.table in writers
            and writers[r.table] is not each
        }
        for each in listed
    }
    order = TopologicalSorter(after)
    try:
        order.prepare()
    except CycleError as error:
        raise ValueError(f"steps wait for each other: {', '.join(error.args[1])}") from None
    return tuple(_in_turn(order, listed))


def _in_turn(order: TopologicalSorter[str], listed: list[Step]) -> Iterator[Step]:
    """Of the steps that may come next, always the one that is listed first."""
    ready: set[str] = set()
    while order.is_active():
        ready |= set(order.get_ready())
        first = next(s for s in listed if s.name in ready)
        ready.remove(first.name)
        order.done(first.name)
        yield first
