"""What the tests share: small hand-written logs, real engines, and the worlds where they are."""

import json
import os
import shutil
from collections.abc import Iterator
from gzip import decompress
from hashlib import blake2b
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

from attack import Published
from logs import write_log
from mining.engines.duckdb_engine import DuckdbEngine
from mining.engines.engine import Engine
from mining.engines.spark_engine import SparkEngine
from warehouse.common.files import write_once
from warehouse.lake import Lake

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.pop("PREFECT_API_URL", None)
settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("ci")

WORLDS = Path(__file__).parent.parent.parent / "shared" / "worlds"


# Files of minutes, the longest first: what runs side by side then ends together.
LONG = (
    *("test_prefect", "test_cli", "test_sql", "test_night", "test_docs", "test_warehouse"),
    *("test_erasing", "test_spark_setup", "test_missed", "test_broad_intents", "test_harmless"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: n for n, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session", autouse=True)
def salted_by_name() -> Iterator[None]:
    """A home that a test makes in this process has the salt of its folder's name: who is held back hangs on
    the salt, so that what is told of a night would end otherwise once in a while."""

    def write(path: Path, content: bytes) -> None:
        salt = blake2b(path.parent.name.encode(), digest_size=32).digest()
        write_once(path, salt if path.name == "salt" else content)

    with patch("warehouse.home.write_once", write):
        yield


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented log of two languages, large enough to learn from."""
    from flows.simulation.place import Habits
    from flows.simulation.world import simulate

    out = tmp_path_factory.mktemp("world")
    habits = Habits(40, 4, 2_400, "2026-01-05", 6, 0.1, 1, 0.0)
    simulate(out, None, 3, habits, ["en-GB", "ru-RU"])
    return out


@pytest.fixture(scope="session")
def nights(
    small_world: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Published, Published]:
    """The warehouse of a night, and that of the next in the same home, after a retraining; robots speak in
    both. What 3 users said is published. Read them only."""
    from flows import runs
    from flows.pipeline import directly
    from flows.settings import MinUsers, Settings

    root = tmp_path_factory.mktemp("published") / "home"
    log, seed = small_world / "log.jsonl.gz", small_world / "seed.jsonl.gz"
    rows = [json.loads(line) for line in decompress(log.read_bytes()).splitlines()]
    last = max(row["timestamp"][:10] for row in rows)
    parts = [[r for r in rows if (r["timestamp"][:10] == last) is late] for late in (False, True)]
    logs = [write_log(root.parent / f"{n}.jsonl", part) for n, part in enumerate(parts)]
    chosen = Settings(min_users=MinUsers(published=3))
    runs.run_night(runs.Request([str(logs[0])], root, seed_data=seed), chosen, directly)
    shutil.copytree(root / "lake", root.parent / "lake-before")
    shutil.copy(root / "warehouse.duckdb", root.parent / "before.duckdb")
    runs.run_night(runs.Request([str(logs[1])], root), chosen, directly)
    runs.run_retraining(root, chosen, None, None, directly)
    before = Published(root.parent / "before.duckdb", Lake(root.parent / "lake-before"), 3)
    return before, Published(root / "warehouse.duckdb", Lake(root / "lake"), 3)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A real local Spark, one for all tests."""
    return SparkEngine(tmp_path_factory.mktemp("spark"), "local[2]")


@pytest.fixture
def duck(tmp_path: Path) -> Engine:
    return DuckdbEngine(tmp_path / "scratch")


@pytest.fixture
def worlds() -> Path:
    """The logs with known truth that lie beside the project."""
    if not WORLDS.is_dir():
        pytest.skip(f"no worlds at {WORLDS}")
    return WORLDS
