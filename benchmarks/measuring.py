"""Wall time and peak memory of a command, and what the scorer says of its home."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil


@dataclass
class Measured:
    """Seconds and peak bytes of each run, and what the last one printed."""

    seconds: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)


MOST_BYTES = 14 * 2**30


class TooLarge(Exception):
    """A command took more memory than the machine can spare, and was ended."""


def measure(command: list[str], into: Measured) -> None:
    """Run a command; note its wall time and the peak memory of it and its children, sampled."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        peak = max(peak, _tree(watched))
        if peak > MOST_BYTES:
            process.kill()
            raise TooLarge
        time.sleep(0.02)
    into.seconds.append(time.perf_counter() - began)
    into.peak.append(peak)
    into.printed.append(process.stdout.read() if process.stdout else "")
    if process.returncode:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode}")


def a_night(world: Path, home: Path) -> list[str]:
    """The command of one night of a world's log, on the embedded engine."""
    log, known = str(world / "log.jsonl.gz"), str(world / "seed.jsonl.gz")
    run = [sys.executable, "-m", "flows", "run", log, "--home", str(home)]
    return [*run, "--engine", "duckdb", "--seed-data", known, "--json"]


def _tree(process: psutil.Process) -> int:
    try:
        return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def scored(bench: Path, world: Path, home: Path, script: str = "score.py") -> dict:
    if not (bench / script).is_file() or not home.is_dir():
        return {}
    done = subprocess.run(
        [sys.executable, str(bench / script), str(world), str(home), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}


def spread(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})" if seconds else ""


def mib(measured: Measured) -> str:
    return f"{max(measured.peak) / 2**20:.0f}" if measured.peak else ""
