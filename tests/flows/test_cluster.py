"""On a real standalone Spark cluster of two workers: the same rows as on the embedded engine."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pyspark
import pytest
from test_night import copy_of, learn, tables
from test_prefect import free_port, wait_for

from flows import runs, settings
from mining.engines import spark_engine
from warehouse.home import create

pytestmark = pytest.mark.cluster
SPARK = Path(pyspark.__file__).parent
CLASS = str(SPARK / "bin" / "spark-class")


@dataclass
class Cluster:
    """A master's address, and its workers' processes."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    """A master with two workers on this machine."""
    port, page = free_port(), free_port()
    address = f"spark://127.0.0.1:{port}"
    deploy = "org.apache.spark.deploy"
    place = ["--host", "127.0.0.1"]
    commands = [[f"{deploy}.master.Master", *place, "--port", str(port), "--webui-port", str(page)]]
    commands += [
        [
            f"{deploy}.worker.Worker",
            address,
            *place,
            "--cores",
            "1",
            "--memory",
            "2g",
            "--webui-port",
            "0",
            "--work-dir",
            str(tmp_path / f"worker{n}"),
        ]
        for n in (1, 2)
    ]
    started = [
        subprocess.Popen([CLASS, *c], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for c in commands
    ]

    def alive() -> bool:
        try:
            seen = httpx.get(f"http://127.0.0.1:{page}/json/", timeout=2).json()
        except (httpx.HTTPError, ValueError):
            return False
        return int(seen["aliveworkers"]) == 2

    try:
        wait_for("two workers", alive, started[0])
        yield Cluster(address, started[1:])
    finally:
        for process in reversed(started):
            process.kill()
            process.wait(30)


def night_on(cluster: Cluster, small_world: Path, home: Path) -> None:
    chosen = settings.Settings(mining=settings.Mining(spark_master=cluster.address))
    log, seed = small_world / "log.jsonl.gz", small_world / "seed.jsonl.gz"
    request = runs.Request([str(log)], home, "auto", seed)
    runs.run_night(request, chosen, lambda step, *args: step(*args))


def assert_like_one_machine(small_world: Path, one: Path, two: Path) -> None:
    log, seed = small_world / "log.jsonl.gz", small_world / "seed.jsonl.gz"
    learn(one, log, seed, engine="duckdb")
    ours, theirs = tables(one), tables(two)
    assert theirs["runs"]["engine"].to_list() == ["spark"]
    for name, rows in ours.items():
        same = rows.drop("engine") if name == "runs" else rows
        assert same.equals(theirs[name].select(same.columns)), name


def test_two_workers_give_the_rows_of_one_machine(cluster, small_world, tmp_path):
    one = create(tmp_path / "one").root
    two = copy_of(one, tmp_path / "two")
    night_on(cluster, small_world, two)
    assert_like_one_machine(small_world, one, two)


def test_a_worker_killed_in_the_middle_of_a_job_changes_nothing(
    cluster, small_world, tmp_path, monkeypatch
):
    """One of the two workers, and what runs on it, is killed while the pairs are being written."""
    one = create(tmp_path / "one").root
    two = copy_of(one, tmp_path / "two")
    write, killed = spark_engine.SparkEngine.write, []

    def while_killing(self, sql, inputs, params, out):  # type: ignore[no-untyped-def]
        if sql == "pairs" and not killed:
            job = threading.Thread(target=write, args=(self, sql, inputs, params, out))
            job.start()
            tracker = self.spark.sparkContext.statusTracker()
            wait_for("a running job", lambda: bool(tracker.getActiveStageIds()), cluster.workers[1])
            killed.append(stop_tree(cluster.workers[0]))
            job.join()
        else:
            write(self, sql, inputs, params, out)

    monkeypatch.setattr(spark_engine.SparkEngine, "write", while_killing)
    night_on(cluster, small_world, two)
    assert killed
    assert_like_one_machine(small_world, one, two)


def stop_tree(process: subprocess.Popen[bytes]) -> int:
    """Kill the process and its children, at once; how many they were."""
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in tree:
        each.kill()
    return len(tree)
