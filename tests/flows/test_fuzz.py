"""Whatever bytes stand in a file: its rows are kept or set aside, and add up; or it is refused in one line. A few in
the suite; 20,000 through the door and 200 through the command by make fuzz."""

import gzip
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import foreign
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import sayagain
from test_sources import ROWS, SOURCES, read

from logs import write_log
from mining.ingest import sources
from mining.ingest.inspection import inspect
from mining.ingest.rows import rows
from mining.ingest.validation import NESTED, REQUIRED, DoorConfig, admit_file
from warehouse.errors import BadInput

DOOR, COMMAND = 20_000, 200  # files, by make fuzz
VALUES = ("null", "[]", "{}", "1e999", "NaN", "-1", '""', "true", "[[[]]]", r'"\ud800"', "1" * 400, '{"a":' * 50)  # fmt: skip
Mutate = Callable[[random.Random], tuple[bytes, str]]


@pytest.fixture(scope="session")
def mutate(tmp_path_factory) -> Mutate:
    """Makes a file of a kind that is read, harmed in a few places: its bytes, and the ending of its name."""
    place = tmp_path_factory.mktemp("whole")
    whole = []
    for name, (write, _, _) in SOURCES.items():
        folder = place / name.replace(" ", "-")
        folder.mkdir()
        whole.append((write(folder).read_bytes(), ".db" if name == "rasa store" else ".jsonl"))
    ours = write_log(place / "ours.jsonl", ROWS)
    content = ours.read_bytes()
    whole += 4 * [(content, ".jsonl")] + [(gzip.compress(content), ".jsonl.gz")]
    whole.append((foreign.table(place / "table.csv", ROWS).read_bytes(), ".csv"))
    turns = read(ours).select("utterance", "user_id", timestamp="at_ms")
    turns.write_parquet(place / "turns.parquet")
    whole.append(((place / "turns.parquet").read_bytes(), ".parquet"))

    def harmed(rng: random.Random) -> tuple[bytes, str]:
        content, ending = rng.choice(whole)
        short = content[: rng.randint(1, len(content))] if rng.random() < 0.3 else content
        made = bytearray(short)
        for _ in range(rng.randint(1, 6)):
            made = harm(made, rng)
        return bytes(made), rng.choice([ending, ending, ending, "", ".csv", ".log"])

    return harmed


def harm(content: bytearray, rng: random.Random) -> bytearray:
    """Another byte, a piece less, or a value more or in the place of another."""
    at, kind = rng.randrange(len(content) + 1), rng.random()
    if kind < 0.3 and content:
        content[rng.randrange(len(content))] = rng.randrange(256)
    elif kind < 0.5:
        del content[at : at + rng.randint(1, 40)]
    elif kind < 0.7:
        content[at:at] = rng.choice(VALUES).encode()
    elif kind < 0.8:
        content[at:at] = rng.randbytes(5)
    else:
        parts = bytes(content).split(b":")
        if len(parts) > 2:
            chosen = rng.randrange(1, len(parts))
            rest = parts[chosen][max(0, parts[chosen].find(b",")) :]
            parts[chosen] = rng.choice(VALUES).encode() + rest
            return bytearray(b":".join(parts))
    return content


def outcome(path: Path, source: str | None) -> str:
    """What the door makes of the file: `read`, where all rows add up, or `refused`, in a line."""
    try:
        parts = list(admit_file(path, DoorConfig(b"s" * 32, source=source)))
        inspect(path, DoorConfig(b"s" * 32))
    except BadInput as refused:
        assert str(path) in str(refused)
        assert len(str(refused).splitlines()) == 1
        return "refused"
    for part in parts:
        assert (part["reason"].is_null() == part["utterance"].is_not_null()).all()
    if source is None and sources.written_by(path, {}) is None:
        assert sum(part.height for part in parts) == sum(
            1 for _ in rows(path, list(REQUIRED), NESTED)
        )
    return "read"


@given(st.integers(0, 2**32))
def test_a_harmed_file_is_read_or_refused_in_a_line(tmp_path_factory, mutate, seed):
    rng = random.Random(seed)
    content, ending = mutate(rng)
    path = tmp_path_factory.getbasetemp() / f"harmed{ending}"
    path.write_bytes(content)
    outcome(path, rng.choice([None, None, None, *sources.READERS]))


@given(
    st.binary(max_size=200),
    st.sampled_from([".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz", ""]),
)
def test_any_bytes_are_read_or_refused_in_a_line(tmp_path_factory, content, ending):
    path = tmp_path_factory.getbasetemp() / f"bytes{ending}"
    path.write_bytes(content)
    outcome(path, None)


def harmed_files(folder: Path, mutate: Mutate, rng: random.Random, count: int) -> Iterator[Path]:
    """One after the other, each in the place of the one before it."""
    for _ in range(count):
        content, ending = mutate(rng)
        path = folder / f"harmed{ending}"
        path.write_bytes(content)
        yield path


@pytest.mark.fuzz
def test_many_files_through_the_door(tmp_path, mutate):
    rng = random.Random(int(os.environ.get("SEED", "1")))
    seen: Counter[str] = Counter()
    for path in harmed_files(tmp_path, mutate, rng, DOOR):
        seen[outcome(path, rng.choice([None, None, None, *sources.READERS]))] += 1
    assert min(seen["read"], seen["refused"]) > DOOR / 10


@pytest.mark.fuzz
def test_many_files_through_the_command(tmp_path, mutate):
    rng = random.Random(int(os.environ.get("SEED", "1")))
    seen: Counter[int] = Counter()
    for n, path in enumerate(harmed_files(tmp_path, mutate, rng, COMMAND)):
        command = ("inspect", path) if n % 2 else ("run", path, "--home", tmp_path / f"home{n}")
        done = sayagain(*command)
        assert done.returncode in (0, 2), done.stderr
        seen[done.returncode] += 1
        assert "Traceback" not in done.stderr
        if done.returncode == 2:
            (line,) = [s for s in done.stderr.splitlines() if s.startswith("sayagain: ")]
            assert path.name in line
    assert min(seen.values()) > COMMAND / 10
