"""Which engine runs: what was asked for, else what fits the log.

Notation and constants: docs/method.md, 11.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mining.engines.duckdb_engine import DuckdbEngine
from mining.engines.engine import Engine

EngineName = Literal["auto", "duckdb", "spark"]
ONE_MACHINE = 20 << 30  # bytes of log; packed logs count as they lie


def choose(asked: EngineName, files: list[Path], master: str | None) -> Literal["duckdb", "spark"]:
    """DuckDB where the log fits one machine and no cluster is configured."""
    if asked != "auto":
        return asked
    cluster = master or os.environ.get("SPARK_REMOTE") or os.environ.get("MASTER")
    large = sum(f.stat().st_size for f in files) > ONE_MACHINE
    return "spark" if cluster or large else "duckdb"


@contextmanager
def opened(name: Literal["duckdb", "spark"], scratch: Path, master: str | None) -> Iterator[Engine]:
    """The engine, closed at the end. `scratch` is a folder for what does not fit memory."""
    engine: Engine
    if name == "spark":
        from mining.engines.spark_engine import SparkEngine

        engine = SparkEngine(scratch, master)
    else:
        engine = DuckdbEngine(scratch)
    try:
        yield engine
    finally:
        engine.close()
