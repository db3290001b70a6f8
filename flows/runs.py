"""What the command line and the deployments ask for, and how it is carried out: which nights, which
engine, alone in the home, through Prefect where a server is set."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo

from flows import languages, seed
from flows.forgetting import finish, forget
from flows.inspecting import at_first_sight
from flows.night import Outcome, learn
from flows.pipeline import Caller, Night, Result
from flows.retraining import Retraining, retrain
from flows.settings import Settings, place
from flows.steps.publishing import record_failure
from mining.clustering.neighbours import library
from mining.engines import choosing
from mining.engines.choosing import EngineName
from mining.ingest import remote
from mining.ingest.rows import log_files
from retrain.delivery.commands import SECRET
from retrain.delivery.outbox import Post, Receiver
from retrain.delivery.receivers import Command, Webhook, secret_of
from warehouse import forgotten, mirror
from warehouse.common.files import write_atomically
from warehouse.errors import BadInput, Busy
from warehouse.home import Home, alone, create, existing
from warehouse.lake import Lake
from warehouse.publish import publish
from warehouse.queries import day as day_named

NIGHTS = "nights"  # file of a home: the nights by name that ended well, a line each
MARKING = 3600.0  # seconds that a message told waits to be marked so, while a receiver retrains


@dataclass(frozen=True)
class Request:
    """A night that was asked for. `day` names it where the log's own last day does not."""

    logs: list[str]
    home: Path
    engine: str = "auto"
    seed_data: Path | None = None
    config: Path | None = None
    day: str | None = None
    source: str | None = None  # the system that wrote the log
    full: bool = False  # learn everything anew


@dataclass(frozen=True)
class Asked:
    """Which nights a LOG with {day} is read for: one, those from one to another, or the last one."""

    day: str | None = None
    first: str | None = None
    last: str | None = None
    at: datetime | None = None  # when the last night is told from: a schedule's time, else now


class Wanted(NamedTuple):
    """A night to be run: its log, its name where the log's own last day does not give it, and whether it was missed."""

    paths: list[str]
    day: str | None
    missed: bool = False


def nights(
    logs: list[str], settings: Settings, asked: Asked, home: Path | None = None
) -> list[Wanted]:
    """The nights that were asked for; `{day}` is filled in. Before the last night come those that were missed, or
    failed, since the first one in `home`."""
    paths = [p for p in logs if p] or ([settings.log.path] if settings.log.path else [])
    if not paths:
        raise BadInput("no log: name LOG, or set log.path in the settings")
    if not any("{day}" in p for p in paths):
        if asked.first or asked.last:
            raise BadInput("--from and --to need a LOG with {day}, such as logs/{day}.jsonl.gz")
        return [Wanted(paths, asked.day and day_named("--day", asked.day).isoformat())]
    if asked.day or asked.first or asked.last:
        return [Wanted(_filled(paths, d), d.isoformat()) for d in _named(asked, settings)]
    end = _yesterday(settings, asked.at)
    missed = _missed(place(home, settings), paths, settings, end) if home else []
    before = [Wanted(_filled(paths, d), d.isoformat(), missed=True) for d in missed]
    return [*before, Wanted(_filled(paths, end), end.isoformat())]


def _named(asked: Asked, settings: Settings) -> list[date]:
    if asked.last:
        end = day_named("--to", asked.last)
    else:
        end = day_named("--day", asked.day) if asked.day else _yesterday(settings, asked.at)
    begin = day_named("--from", asked.first) if asked.first else end
    if begin > end:
        raise BadInput(f"--from {begin} is after --to {end}")
    return _days(begin, end)


def _missed(home: Path, paths: list[str], settings: Settings, end: date) -> list[date]:
    """The nights before `end` that have a log and did not end well, since the first that did; of one window at most."""
    ran = _ran(home)
    if not ran:
        return []
    begin = max(min(ran), end - timedelta(days=settings.mining.window_days))
    days = _days(begin, end - timedelta(days=1))
    return [d for d in days if d not in ran and _has_log(_filled(paths, d))]


def _ran(home: Path) -> set[date]:
    """The nights by name that ended well."""
    try:
        return set(map(date.fromisoformat, (home / NIGHTS).read_text().split()))
    except (OSError, ValueError):
        return set()


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _filled(paths: list[str], day: date) -> list[str]:
    return [p.replace("{day}", day.isoformat()) for p in paths]


def _has_log(paths: list[str]) -> bool:
    try:
        here = [p for p in paths if not remote.is_address(p)]
        return bool([remote.there(p) for p in paths if p not in here] or log_files(here))
    except BadInput:
        return False


def _remember(home: Path, day: str | None) -> None:
    """That the night ended well, for those to come to know which did not."""
    if day:
        ran = sorted({*_ran(home), date.fromisoformat(day)})
        write_atomically(home / NIGHTS, "".join(f"{d}\n" for d in ran).encode())


def run_night(
    request: Request,
    settings: Settings,
    call: Caller,
    patience: float = 0,
    others: Mapping[str, Receiver] | None = None,
) -> Outcome:
    """One night, alone in the home, after `patience` seconds at most; then what it decided is told to
    the receivers of the settings, and to `others`. A home that had nights before remembers one that
    failed in `runs`."""
    request = replace(request, home=place(request.home, settings))
    receivers = receivers_of(settings) | dict(others or {})
    outcome = _remembered(request, settings, call, patience, tuple(receivers))
    return replace(outcome, told=told(existing(request.home), settings, receivers))


def receivers_of(settings: Settings) -> dict[str, Receiver]:
    """Who the settings say is to be told that retraining is due."""
    found: dict[str, Receiver] = {}
    delivery = settings.delivery
    if delivery.webhook:
        key = secret_of(os.environ.get(SECRET))
        found["webhook"] = Webhook(delivery.webhook, key, delivery.webhook_seconds)
    if delivery.command:
        found["command"] = Command(delivery.command, delivery.command_seconds)
    return found


def told(
    home: Home, settings: Settings, receivers: Mapping[str, Receiver]
) -> tuple[dict[str, str], ...]:
    """Deliver what waits, while nothing holds the home: a receiver may retrain in it."""
    if not receivers:
        return ()
    sent = tuple(Post(home, receivers, MARKING).deliver())
    if sent:
        with alone(home, MARKING):
            publish(home, Lake(home.lake), settings.min_users.published)
    return sent


def run_retraining(
    root: Path,
    settings: Settings,
    seed_data: Path | None,
    promises: Path | None,
    call: Caller,
    patience: float = 0,
) -> Result:
    """One retraining, alone in the home, after `patience` seconds at most."""
    known, root = seed.read(seed_data) if seed_data else None, place(root, settings)
    home = existing(root) if known is None else create(root)
    with alone(home, patience):
        Lake(home.lake).recover()
        if forgotten.read(home).erasing:
            raise BadInput(f"{root}: an erasure was cut short; `sayagain run` finishes it first")
        if known is not None:
            seed.keep(home, known)
        return retrain(Retraining(home, settings, promises), call)


def _remembered(
    request: Request,
    settings: Settings,
    call: Caller,
    patience: float,
    receivers: tuple[str, ...],
) -> Outcome:
    """The night; where it fails in a home that had nights before, `runs` says so."""
    today = request.day or _now(settings).date().isoformat()
    had_nights = (request.home / "home.json").is_file()
    try:
        outcome = _run(request, settings, call, patience, (today, receivers))
    except Busy:
        raise
    except Exception as error:
        if had_nights:
            home = existing(request.home)
            with alone(home, patience):
                record_failure(Lake(home.lake), today, str(error).splitlines()[0] or repr(error))
        raise
    else:
        _remember(request.home, request.day)
        return outcome


def _run(
    request: Request,
    settings: Settings,
    call: Caller,
    patience: float,
    named: tuple[str, tuple[str, ...]],
) -> Outcome:
    today, receivers = named
    if request.engine not in get_args(EngineName):
        raise BadInput(f"--engine {request.engine}: is unknown; known: auto, duckdb, spark")
    library()
    known = seed.read(request.seed_data) if request.seed_data else None
    languages.check(settings)
    _logs_of(request.logs)
    home = create(request.home.resolve())
    if settings.storage.mirror:
        write_atomically(home.root / mirror.ADDRESS, settings.storage.mirror.encode())
    until = date.fromisoformat(request.day) + timedelta(days=1) if request.day else None
    with alone(home, patience):
        _mend(home)
        logs = remote.fetched(request.logs, home.root / "scratch" / "logs")
        files = _logs_of(logs)
        master = settings.mining.spark_master
        chosen = choosing.choose(cast(EngineName, request.engine), files, master)
        with choosing.opened(chosen, home.root / "scratch", master) as engine:
            odd = tuple(at_first_sight(logs, files, settings))
            night = Night(
                home,
                settings,
                engine,
                _today(),
                known,
                until,
                receivers,
                full=request.full,
                odd=odd,
                logs=tuple(files),
            )
            finish(night, call)
            return learn(night, today, call)


def _logs_of(patterns: list[str]) -> list[Path]:
    """The files of this machine behind the patterns, in full, for workers stand in another folder."""
    return [f.resolve() for f in log_files([p for p in patterns if not remote.is_address(p)])]


def run_forgetting(
    root: Path, settings: Settings, user: str, call: Caller, patience: float = 0
) -> Result:
    """Forget a user of the log, alone in the home, after `patience` seconds at most; what is believed then
    and pays to be learned is told to the receivers of the settings."""
    home = existing(place(root, settings).resolve())
    languages.check(settings)
    receivers, master = receivers_of(settings), settings.mining.spark_master
    library()
    with alone(home, patience):
        _mend(home)
        lake = Lake(home.lake)
        chosen = choosing.choose("auto", lake.files("turns", lake.days("turns")), master)
        with choosing.opened(chosen, home.root / "scratch", master) as engine:
            night = Night(home, settings, engine, _today(), receivers=tuple(receivers))
            done = forget(night, user, call)
    told(home, settings, receivers)
    return done


def _mend(home: Home) -> None:
    """Put right what a killed run or an earlier version left behind."""
    lake = Lake(home.lake)
    lake.recover()
    lake.complete("turns")
    scratch = home.root / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(scratch / "torch"))  # else in /tmp


def as_dict(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def _yesterday(settings: Settings, at: datetime | None) -> date:
    now = at.astimezone(_zone(settings)) if at else _now(settings)
    return now.date() - timedelta(days=1)


def _today() -> date:
    """The day of the lake on which it is now."""
    return datetime.now(UTC).date()


def _now(settings: Settings) -> datetime:
    return datetime.now(_zone(settings))


def _zone(settings: Settings) -> ZoneInfo:
    return ZoneInfo(settings.log.time_zone or "UTC")
