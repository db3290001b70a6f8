"""What Spark needs of the machine is said in one line, soon; and it leaves nothing outside the home."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from logs import turn, write_log
from mining.engines.spark_setup import PATIENCE, check_java, check_master, check_spark_home
from warehouse.errors import SayagainError


def test_java_that_cannot_run_spark_is_named_with_what_to_install(monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SayagainError, match=f"Java 11 .{java}. is too old; install Java 17"):
        check_java()
    java.unlink()
    with pytest.raises(SayagainError, match=f"JAVA_HOME is {tmp_path}, .* install Java 17"):
        check_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SayagainError, match="no Java found; install Java 17"):
        check_java()


def test_a_stale_spark_home_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "gone"))
    with pytest.raises(SayagainError, match=f"SPARK_HOME is {tmp_path}/gone, .*unset it"):
        check_spark_home()
    monkeypatch.delenv("SPARK_HOME")
    check_spark_home()


def test_a_dead_master_is_named_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as alive, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        here, gone = (s.getsockname()[1] for s in (alive, dead))
        began = time.monotonic()
        for address, secret in (
            (f"spark://127.0.0.1:{gone}", ""),
            (f"sc://127.0.0.1:{gone}", "/;token=x"),
        ):
            with pytest.raises(SayagainError, match=f"nobody answers at {address} ") as told:
                check_master(address + secret)
            assert "token" not in str(told.value)
        assert time.monotonic() - began < 2 * PATIENCE + 1
        check_master(f"spark://127.0.0.1:{gone},127.0.0.1:{here}")
        check_master("local[2]")
        check_master("yarn")


@pytest.mark.cluster
def test_a_night_on_spark_leaves_nothing_in_the_folders_of_the_machine(tmp_path):
    """Spark's own folders lie in the home while it runs, whatever the machine's folder for such things is."""
    log = write_log(tmp_path / "log.jsonl", [turn(f"u{n}", 9 * n, "lamp on") for n in range(6)])
    elsewhere, home = tmp_path / "tmp", tmp_path / "a home"
    elsewhere.mkdir()
    seen = (
        "import sys, os; from pathlib import Path; from flows import night, runs; from flows.settings import Settings\n"
        "def call(step, *args):\n"
        "    held = Path(sys.argv[2]) / 'scratch'\n"
        "    if step.__name__ == 'take_in': print(sorted(p.name.split('-')[0] for p in held.iterdir()))\n"
        "    return step(*args)\n"
        "runs.run_night(runs.Request([sys.argv[1]], Path(sys.argv[2]), 'spark'), Settings(), call)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", seen, str(log), str(home)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={k: v for k, v in os.environ.items() if k != "SPARK_LOCAL_DIRS"} | {"TMPDIR": str(elsewhere)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "blockmgr" in done.stdout
    assert list(elsewhere.iterdir()) == []
