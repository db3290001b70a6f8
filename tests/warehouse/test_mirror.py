"""A home whose copy lies in an object store: the same as one on a disk, whatever machine goes on and whenever it dies.

The store is moto's, a stand-in.
"""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import fsspec
import polars as pl
import pytest
from object_store import object_store
from test_erasing import EVE, direct, eve, forget, night, others, seed_of
from test_erasing import chosen as chosen_settings

from flows import runs, settings
from logs import write_log
from warehouse import mirror
from warehouse.errors import BadInput, SayagainError
from warehouse.home import Home, alone, create
from warehouse.lake import Lake
from warehouse.mirror import Mirror
from warehouse.tables import TABLES


@pytest.fixture(scope="module")
def store():
    with pytest.MonkeyPatch.context() as patch, object_store(patch) as address:
        yield address


@pytest.fixture
def place(store, request) -> str:
    return f"{store}/{request.node.name}"


def kept_at(place: str) -> settings.Settings:
    return chosen_settings().model_copy(update={"storage": settings.Storage(mirror=place)})


def machine(root: Path, salt: Path | None = None) -> Path:
    """A new home, of the same salt as another's."""
    create(root)
    if salt:
        shutil.copy(salt / "salt", root / "salt")
    return root


def rows(home: Path) -> dict[str, pl.DataFrame]:
    lake = Lake(Home(home).lake)
    found = {}
    for name in TABLES:
        if lake.days(name):
            read = lake.by_day(name, lake.days(name))
            read = read.drop("seconds") if name == "runs" else read
            found[name] = read.sort(c for c in read.columns if not read[c].dtype.is_nested())
    return found


def assert_same(one: Path, other: Path) -> None:
    ours, theirs = rows(one), rows(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].equals(theirs[name]), name


def logs(folder: Path) -> list[Path]:
    folder.mkdir()
    days = [folder / f"{day}.jsonl" for day in range(2)]
    for day, path in enumerate(days):
        write_log(path, [*others(day), *eve(day)])
    return days


@pytest.mark.long
def test_nights_and_an_erasure_are_as_on_a_disk_whatever_machine_goes_on(place, tmp_path):
    days, seed = logs(tmp_path / "logs"), seed_of(tmp_path)
    here = machine(tmp_path / "here")
    for day in days:
        night(here, day, seed_data=seed)
    machines = [machine(tmp_path / name, here) for name in ("one", "two", "three")]
    for home, day in zip(machines, days, strict=False):
        night(home, day, kept_at(place), seed_data=seed)
    assert_same(machines[1], here)
    (machines[2] / mirror.ADDRESS).write_text(place)
    forget(here)
    forget(machines[2])
    assert_same(machines[2], here)
    fs, inside = fsspec.core.url_to_fs(place)
    fs.invalidate_cache()
    erased = [name for name in fs.find(inside) if EVE.encode() in fs.cat_file(name)]
    assert not erased
    assert fs.exists(f"{inside}/warehouse.duckdb")


@pytest.mark.long
def test_a_night_that_dies_while_it_is_sent_changed_nothing_there(place, tmp_path, monkeypatch):
    days = logs(tmp_path / "logs")
    here = machine(tmp_path / "here")
    home = machine(tmp_path / "home", here)
    night(here, days[0])
    night(home, days[0], kept_at(place))
    fs, inside = fsspec.core.url_to_fs(place)
    before, objects = fs.cat_file(f"{inside}/pointer.json"), set(fs.find(f"{inside}/objects"))

    def dies(*_args: object, **_more: object) -> None:
        raise OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(mirror, "uuid", SimpleNamespace(uuid4=dies))  # all is there but the pointer
        with pytest.raises(OSError, match="gone"):
            night(home, days[1], kept_at(place))
    assert fs.cat_file(f"{inside}/pointer.json") == before
    fs.invalidate_cache()
    assert objects < set(fs.find(f"{inside}/objects"))
    other = machine(tmp_path / "other", here)
    night(other, days[1], kept_at(place))
    night(here, days[1])
    assert_same(other, here)
    fs.invalidate_cache()
    named = json.loads(fs.cat_file(f"{inside}/pointer.json"))["files"]
    assert len(fs.find(f"{inside}/objects")) == len(named)


def test_what_another_machine_wrote_is_not_overwritten(place, tmp_path):
    one = machine(tmp_path / "one")
    other = machine(tmp_path / "other", one)
    for home in (one, other):
        (home / mirror.ADDRESS).write_text(place)
    with alone(Home(one)):
        (one / "seed.jsonl").write_text("one")
    with pytest.raises(SayagainError, match="another machine"), alone(Home(other)):
        with alone_elsewhere(one):
            (one / "seed.jsonl").write_text("one more")
        (other / "seed.jsonl").write_text("other")
    with alone(Home(other)):
        assert (other / "seed.jsonl").read_text() == "one more"


alone_elsewhere = lambda home: alone(Home(home))  # noqa: E731


def test_another_salt_is_refused_and_a_pointer_that_leads_out(place, tmp_path):
    one, stranger = machine(tmp_path / "one"), machine(tmp_path / "stranger")
    Mirror(one, place).push()
    with pytest.raises(BadInput, match="salt: is not the salt of"):
        Mirror(stranger, place).pull()
    fs, inside = fsspec.core.url_to_fs(place)
    pointer = json.loads(fs.cat_file(f"{inside}/pointer.json"))
    pointer |= {"generation": "hostile", "files": {"../outside": "0"}}
    fs.pipe_file(f"{inside}/pointer.json", json.dumps(pointer).encode())
    with pytest.raises(BadInput, match="lies outside the home"):
        Mirror(one, place).pull()
    assert not (tmp_path / "outside").exists()


def test_logs_are_read_from_the_store(place, tmp_path):
    here, there = machine(tmp_path / "here"), machine(tmp_path / "there")
    shutil.copy(here / "salt", there / "salt")
    days = logs(tmp_path / "logs")
    fs, inside = fsspec.core.url_to_fs(place)
    fs.put([str(d) for d in days], [f"{inside}/logs/{d.name}" for d in days])
    runs.run_night(runs.Request([str(d) for d in days], here), chosen_settings(), direct)
    runs.run_night(runs.Request([f"{place}/logs/*.jsonl"], there), chosen_settings(), direct)
    assert_same(there, here)
    with pytest.raises(BadInput, match="no log file there"):
        runs.run_night(runs.Request([f"{place}/none/*.jsonl"], there), chosen_settings(), direct)


def test_an_address_without_a_driver_is_told_in_one_line(tmp_path):
    home = machine(tmp_path / "home")
    with pytest.raises(BadInput, match="nowhere://x: cannot be reached"):
        Mirror(home, "nowhere://x").pull()
