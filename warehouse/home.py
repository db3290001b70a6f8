"""HOME: where everything a run leaves behind lies, and who may write to it."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from warehouse.common.files import write_once
from warehouse.errors import BadInput, Busy

VERSION = 2  # of the lake and all else that a home holds; 2 since 0.2.0
ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # Path makes one slash of two
ASSISTANTS = "assistants"  # folder of a home that holds those of several


@dataclass(frozen=True)
class Home:
    """The folders of one assistant's memory."""

    root: Path

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def training_sets(self) -> Path:
        return self.root / "training_sets"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def vectors(self) -> Path:
        return self.root / "vectors"

    @property
    def voter(self) -> Path:
        return self.root / "voter.sqlite"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def seed_data(self) -> Path:
        return self.root / "seed.jsonl"

    def salt(self) -> bytes:
        """The key of the hashed user ids: made once, readable by the owner alone, never published."""
        return (self.root / "salt").read_bytes()


def local(place: Path) -> Path:
    """The path with `~` filled in; BadInput where it is the address of a store elsewhere, such as s3://."""
    if ELSEWHERE.match(str(place)):
        raise BadInput(
            f"{place}: is an address, and sayagain writes to folders of this machine; name a folder, or mount it"
            " ([storage] mirror keeps a copy of a home in a store)"
        )
    return place.expanduser()


def create(root: Path) -> Home:
    """The home at `root`, made where there is none.

    Raises BadInput where `root` is a file, cannot be written, or was made by a newer version.
    """
    home = Home(root)
    try:
        if root.exists() and not root.is_dir():
            raise BadInput(f"{root}: is a file; --home needs a folder")
        root.mkdir(parents=True, exist_ok=True)
        home.lake.mkdir(exist_ok=True)
        write_once(root / "salt", secrets.token_bytes(32))
        write_once(root / "home.json", json.dumps({"version": VERSION}).encode())
    except OSError as error:
        raise BadInput(
            f"{root}: cannot be written ({error.strerror}); choose another --home"
        ) from None
    return existing(root)


def existing(root: Path) -> Home:
    """The home at `root`; BadInput where there is none or a newer version made it."""
    mark = root / "home.json"
    if not mark.is_file():
        if several := sorted(p.parent.name for p in root.glob(f"{ASSISTANTS}/*/home.json")):
            raise BadInput(
                f"{root}: holds the homes of {', '.join(several)}; name one,"
                f" such as {root / ASSISTANTS / several[0]}"
            )
        raise BadInput(f"{root}: is not a home yet; `sayagain run LOG --home {root}` makes one")
    try:
        version = int(json.loads(mark.read_text())["version"])
    except (ValueError, KeyError, TypeError):
        raise BadInput(
            f"{mark}: is damaged; it should hold {json.dumps({'version': VERSION})}"
        ) from None
    if version > VERSION:
        raise BadInput(
            f"{root}: was made by a newer sayagain (format {version}, this one reads {VERSION}); update sayagain"
        )
    if version < VERSION:
        raise BadInput(
            f"{root}: was made by sayagain 0.1 (format {version}, this one reads {VERSION}); run its logs into a new --home"
        )
    return Home(root)


def training_versions(home: Home) -> list[str]:
    """All training sets, oldest first."""
    return sorted(p.parent.name for p in home.training_sets.glob("[!.]*/examples.parquet"))


def read_training_set(home: Home, version: str) -> pl.DataFrame:
    place = home.training_sets / version / "examples.parquet"
    if not place.is_file():
        raise BadInput(f"{place}: is missing; run the night again")
    rows = pl.read_parquet(place)
    if "slots_known" not in rows.columns:
        rows = rows.with_columns(slots_known=pl.lit(None, pl.Boolean))
    return rows


def read_variants(home: Home, version: str) -> pl.DataFrame | None:
    """What a training set has beside its examples, where it was asked for."""
    place = home.training_sets / version / "variants.parquet"
    return pl.read_parquet(place) if place.is_file() else None


@contextmanager
def alone(home: Home, patience: float = 0) -> Iterator[None]:
    """Hold the home; raises Busy where another run holds it for `patience` seconds.

    The system lets go when a run dies.
    """
    from warehouse.mirror import mirrored

    lock = FileLock(home.root / ".lock")
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise Busy(
            f"{home.root}: another run is at work here; wait for it, or use another --home"
        ) from None
    except OSError as error:
        raise BadInput(f"{home.root}: cannot be written ({error.strerror})") from None
    try:
        _recover(home)
        with mirrored(home.root):
            yield
    finally:
        lock.release()


def _recover(home: Home) -> None:
    """Finish what a killed run had committed, before anything is read."""
    from warehouse.lake import Lake

    Lake(home.lake).recover()
