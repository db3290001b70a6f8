"""What an erasure comes to, what of the old is still needed, and the row that proves it."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from flows import seed
from flows.settings import Settings
from retrain.registry import store
from retrain.training.model import MEMORY
from warehouse import erasing, forgotten
from warehouse.common.answers import Answers
from warehouse.common.digests import digest
from warehouse.encoders import kept
from warehouse.erasing import ErasureScope, Gone
from warehouse.forgotten import Erasing
from warehouse.home import Home
from warehouse.lake import Lake, window_start
from warehouse.tables import TABLES, Grain, tables_of

NEWEST = 2  # nights of everything that stay, however old: tonight is compared with the last one


def cutoff(lake: Lake, settings: Settings, now: date) -> date | None:
    """The first day that is kept: `retention_days` before the newest one, unless that lies in the
    future, by a clock that is wrong."""
    keep, days = settings.privacy.retention_days, lake.days("turns")
    if keep is None or not days:
        return None
    return min(date.fromisoformat(days[-1]), now) - timedelta(days=keep)


def erase_old(home: Home, settings: Settings, now: date) -> dict[str, int]:
    """Erase what is older than the settings have it; how many turns."""
    first = cutoff(Lake(home.lake), settings, now)
    scope = ErasureScope(before=first.isoformat() if first else None)
    if first is None or not _too_old(home, scope):
        return {"turns": 0}
    window = settings.mining.window_days
    counted = count(home, scope, now.isoformat(), window)
    forgotten.begin(home, counted)
    forgotten.erased(home, erase(home, counted, window))
    return {"turns": counted.turns}


def count(home: Home, scope: ErasureScope, day: str, window: int) -> Erasing:
    """What there is to erase. Nothing is erased yet."""
    know_every_table()
    gone = Gone.of(Lake(home.lake), scope)
    dropped = [f.name for f in _unneeded(home, scope, gone.days, window)]
    return Erasing(
        erasure=_name(home, scope, day, gone.days),
        day=day,
        user=scope.user,
        before=scope.before,
        days=gone.days,
        turns=gone.turns.height,
        wordings=gone.wordings.height,
        examples=erasing.of_training_sets(home, gone, dropped),
    )


def erase(home: Home, counted: Erasing, window: int) -> list[str]:
    """Erase what was counted, and prove it; the models that learned from it. Done twice it is as done
    once."""
    know_every_table()
    scope = ErasureScope(counted.user, counted.before)
    folders = _unneeded(home, scope, counted.days, window)
    erasing.erase(home, counted, folders, _spared(home))
    contents = _contents(home)
    kept.retain(home.vectors, contents)
    Answers(home.voter).retain(contents)
    models = learned(home, counted.days, window)
    if counted.turns or counted.examples:
        _prove(home, counted, models)
    return models


def _contents(home: Home) -> set[str]:
    """Hashes of all texts whose vectors may be kept: what the lake still has, and the seed data."""
    lake = Lake(home.lake)
    said = lake.scan("embeddings", lake.days("embeddings")).select("content").unique().collect()
    return {*said["content"], *(digest(u) for u in seed.kept(home)["utterance"])}


def know_every_table() -> None:
    """Those of steps that were added are declared in their files (flows/steps)."""
    from flows.steps import every_step

    every_step()


def _too_old(home: Home, scope: ErasureScope) -> bool:
    know_every_table()
    lake, spared = Lake(home.lake), _spared(home)
    before = scope.before or ""
    old = (
        (table, day)
        for table in TABLES
        if table in tables_of(Grain.DAY) or erasing.personal(table)
        for day in lake.days(table)
        if day < before
    )
    return any(place not in spared for place in old) or any(_unneeded(home, scope, [], 0))


def _spared(home: Home) -> set[tuple[str, str]]:
    """Tables and nights of state that are needed however old they are: the newest nights of each; the
    vectors of the encoder that is in use, made once for all nights; how often the wordings of the models'
    training sets were said."""
    lake = Lake(home.lake)
    last = {(t, d) for t in tables_of(Grain.NIGHT) for d in lake.days(t)[-NEWEST:]}
    days = lake.days("embeddings")
    used = _encoders(lake, days[-NEWEST:])
    vectors = {("embeddings", d) for d in days if used & _encoders(lake, [d])}
    return last | vectors | {("utterance_stats", version[:10]) for version in _taught(home)}


def _encoders(lake: Lake, nights: list[str]) -> set[str]:
    """The encoders whose vectors were made on these nights."""
    return set(lake.scan("embeddings", nights).select("encoder").unique().collect()["encoder"])


def _unneeded(home: Home, scope: ErasureScope, days: list[str], window: int) -> list[Path]:
    """Folders that go: encoders that a user taught, as they teach the next ones; encoders and training
    sets that are too old."""
    encoders, sets = (
        sorted(folder.glob("[!.]*")) for folder in (home.root / "encoders", home.training_sets)
    )
    if scope.before is None:
        heard = [f for f in encoders if _heard(f.name[:10], days, window)]
        return [f for f in reversed(encoders) if heard and f >= heard[0]]
    needed = _taught(home)
    unused = [f for f in sets[:-NEWEST] if f.name not in needed]
    return [f for f in (*encoders[:-NEWEST], *unused) if f.name[:10] < scope.before]


def _heard(night: str, days: list[str], window: int) -> bool:
    """Whether a night's window holds one of the days."""
    first = window_start(night, window)
    return any(first <= d <= night for d in days)


def _taught(home: Home) -> set[str]:
    """The training sets of all models: any of them may serve again."""
    found = (store.about(home, v).get("training_set") for v in store.versions(home))
    return {version for version in found if version}


def learned(home: Home, days: list[str], window: int) -> list[str]:
    """The models that learned from turns of these days, or hold one that did."""
    return [
        version
        for version in store.versions(home)
        if any(_heard(taught[:10], days, window) for taught in _lessons(home, version))
    ]


def _lessons(home: Home, version: str) -> Iterator[str]:
    """The training sets of a model and of the ones whose answers it holds."""
    for _ in range(MEMORY + 1):
        about = store.about(home, version)
        if about.get("training_set"):
            yield about["training_set"]
        version = about.get("before") or ""
        if not (home.models / version / "model.json").is_file():
            return


def _prove(home: Home, counted: Erasing, models: list[str]) -> None:
    lake = Lake(home.lake)
    known = lake.read("erasures", [counted.day])
    row = {
        "erasure": counted.erasure,
        "kind": "user" if counted.user else "age",
        "before": counted.before,
        "turns": counted.turns,
        "wordings": counted.wordings,
        "examples": sum(counted.examples.values()),
        "models": models,
    }
    others = known.filter(pl.col("erasure") != counted.erasure)
    rows = pl.concat([others, pl.DataFrame([row], schema=known.schema)])
    lake.put("erasures", counted.day, rows.sort("erasure"))


def _name(home: Home, scope: ErasureScope, day: str, days: list[str]) -> str:
    """An id that leads to nobody who does not know the salt."""
    content = "\0".join([scope.user or "", scope.before or "", day, *days])
    return hashlib.blake2b(content.encode(), key=home.salt(), digest_size=12).hexdigest()
