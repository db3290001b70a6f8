"""What the tests share: small hand-written logs, real engines, and the worlds where they are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mining.duckdb_engine import DuckdbEngine
from mining.engine import Engine
from mining.spark_engine import SparkEngine

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.pop("PREFECT_API_URL", None)
settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("ci")

WORLDS = Path(__file__).parent.parent.parent / "shared" / "worlds"


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
def spark() -> Engine:
    """A real local Spark, one for all tests."""
    return SparkEngine("local[2]")


@pytest.fixture
def duck(tmp_path: Path) -> Engine:
    return DuckdbEngine(tmp_path / "scratch")


@pytest.fixture
def worlds() -> Path:
    """The logs with known truth that lie beside the project."""
    if not WORLDS.is_dir():
        pytest.skip(f"no worlds at {WORLDS}")
    return WORLDS
