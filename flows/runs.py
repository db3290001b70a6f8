"""What the command line and the deployments ask for, and how it is carried out: which nights, which
engine, alone in the home, through Prefect where a server is set."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from flows import seed
from flows.night import Caller, Night, Outcome, Result, learn, record_run
from flows.retraining import Retraining, retrain
from flows.settings import Settings
from mining import engines
from mining.engines import EngineName
from mining.neighbours import library
from mining.rows import log_files
from warehouse.errors import BadInput, SayagainError
from warehouse.home import alone, create, existing
from warehouse.lake import Lake


@dataclass(frozen=True)
class Request:
    """A night that was asked for. `day` names it where the log's own last day does not."""

    logs: list[str]
    home: Path
    engine: str = "auto"
    seed_data: Path | None = None
    config: Path | None = None
    day: str | None = None


def nights(
    logs: list[str], settings: Settings, day: str | None, first: str | None, last: str | None
) -> list[tuple[list[str], str | None]]:
    """(paths, night) of each night that was asked for; `{day}` is filled in."""
    paths = logs or ([settings.log.path] if settings.log.path else [])
    if not paths:
        raise BadInput("no log: name LOG, or set log.path in the settings")
    templated = any("{day}" in p for p in paths)
    if (first or last) and not templated:
        raise BadInput("--from and --to need a LOG with {day}, such as logs/{day}.jsonl.gz")
    if not templated:
        return [(paths, day and _day("--day", day).isoformat())]
    end = _day("--to", last) if last else _day("--day", day) if day else _yesterday(settings)
    begin = _day("--from", first) if first else end
    if begin > end:
        raise BadInput(f"--from {begin} is after --to {end}")
    wanted = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    return [([p.replace("{day}", d.isoformat()) for p in paths], d.isoformat()) for d in wanted]


def run_night(request: Request, settings: Settings, call: Caller) -> Outcome:
    """One night, alone in the home. A night that fails leaves a row in `runs`."""
    if request.engine not in ("auto", "duckdb", "spark"):
        raise BadInput(f"--engine {request.engine}: is unknown; known: auto, duckdb, spark")
    library()
    files = log_files(request.logs)
    fresh = not (request.home / "home.json").exists()
    known = seed.read(request.seed_data) if request.seed_data else None
    home = create(request.home)
    today = request.day or _now(settings).date().isoformat()
    chosen = engines.choose(cast(EngineName, request.engine), files, settings.mining.spark_master)
    with alone(home):
        Lake(home.lake).recover()
        if known is not None:
            seed.keep(home, known)
        with engines.opened(chosen, home.root / "scratch", settings.mining.spark_master) as engine:
            night = Night(home, settings, engine)
            return _recorded(
                night, today, fresh=fresh, work=lambda: learn(night, files, today, call)
            )


def run_retraining(
    root: Path, settings: Settings, seed_data: Path | None, promises: Path | None, call: Caller
) -> Result:
    """One retraining, alone in the home."""
    home = create(root) if seed_data else existing(root)
    with alone(home):
        if seed_data:
            seed.keep(home, seed.read(seed_data))
        return retrain(Retraining(home, settings, promises), call)


def as_dict(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def _recorded(night: Night, today: str, *, fresh: bool, work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except SayagainError as error:
        if not fresh:
            empty = {"read": 0, "kept": 0, "set_aside": 0}
            record_run(night, today, "failed", 0, empty, str(error))
        raise


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{option} {text}: is not a day; write YYYY-MM-DD") from None


def _yesterday(settings: Settings) -> date:
    return _now(settings).date() - timedelta(days=1)


def _now(settings: Settings) -> datetime:
    return datetime.now(ZoneInfo(settings.log.time_zone or "UTC"))
