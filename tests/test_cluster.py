"""On a real standalone Spark cluster of two workers: the same rows as on the embedded engine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyspark
import pytest
from test_night import copy_of, learn, tables
from test_prefect import free_port, wait_for

from flows import runs, settings

pytestmark = pytest.mark.cluster
SPARK = Path(pyspark.__file__).parent
CLASS = str(SPARK / "bin" / "spark-class")


@pytest.fixture
def master(tmp_path) -> Iterator[str]:
    """The address of a master with two workers on this machine."""
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
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)


def test_two_workers_give_the_rows_of_one_machine(master, small_world, tmp_path):
    log, seed = small_world / "log.jsonl.gz", small_world / "seed.jsonl.gz"
    one = tmp_path / "one"
    learn(one, log, seed, engine="duckdb")
    two = copy_of(one, tmp_path / "two")
    chosen = settings.Settings(mining=settings.Mining(spark_master=master))
    request = runs.Request([str(log)], two, "auto", seed)
    runs.run_night(request, chosen, lambda step, *args: step(*args))
    ours, theirs = tables(one), tables(two)
    assert theirs["runs"]["engine"].to_list() == ["spark"]
    for name, rows in ours.items():
        same = rows.drop("engine") if name == "runs" else rows
        assert same.equals(theirs[name].select(same.columns)), name
