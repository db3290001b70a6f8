"""Against a real Prefect server: the deployments of prefect.yaml, a run of the night, its decision, the
event, the retraining that the event starts, and its promotion; with a hold before, and a rollback after."""

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from logs import turn, write_log
from retrain.registry import store
from warehouse.home import Home
from warehouse.lake import Lake

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0  # seconds


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(what: str, found, process: subprocess.Popen[bytes]):
    """Ask until there is an answer; a process that ended, or patience that did, fails the test."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := found():
            return answer
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"{what}: the process ended with {process.returncode}")
    return pytest.fail(f"{what}: not seen in {PATIENCE} s")


def intents_alone(world: Path, folder: Path) -> Path:
    """Its seed data without slots: a model of intents is taught in half the time."""
    with gzip.open(world / "seed.jsonl.gz", "rt", encoding="utf8") as lines:
        rows = [json.loads(line) for line in lines]
    return write_log(
        folder / "seed.jsonl", [{k: v for k, v in row.items() if k != "slots"} for row in rows]
    )


@pytest.fixture
def server(tmp_path, small_world) -> Iterator[tuple[dict[str, str], str, subprocess.Popen[bytes]]]:
    """A server of its own: (environment, address of its API, process)."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # two cores, and other tests beside
        "DO_NOT_TRACK": "1",
        "SAYAGAIN_CODE": str(ROOT),
        "SAYAGAIN_HOME": str(tmp_path / "home"),
        "SAYAGAIN_LOGS": str(small_world / "log.jsonl.gz"),
        "SAYAGAIN_SEED": str(intents_alone(small_world, tmp_path)),
        "SAYAGAIN_CONFIG": "",
    }
    started = subprocess.Popen(
        [*prefect(), "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("server", lambda: answers(f"{api}/health"), started)
        yield environment, api, started
    finally:
        started.terminate()
        started.wait(30)


def prefect() -> list[str]:
    return [sys.executable, "-m", "prefect"]


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).is_success
    except httpx.HTTPError:
        return False


def runs_of(api: str, flow: str) -> list[dict[str, object]]:
    asked = {"flows": {"name": {"any_": [flow]}}}
    found: list[dict[str, object]] = httpx.post(
        f"{api}/flow_runs/filter", json=asked, timeout=10
    ).json()
    return found


def done(api: str, flow: str) -> list[dict[str, object]]:
    return [r for r in runs_of(api, flow) if r["state_type"] in ("COMPLETED", "FAILED", "CRASHED")]


def deployed_runs(api: str, flow: str) -> list[dict[str, object]]:
    return [r for r in done(api, flow) if r["deployment_id"]]


@retry(
    retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_attempt(5), wait=wait_fixed(2)
)
def run_now(
    api: str, deployment: object, scheduled: datetime | None = None, **given: object
) -> None:
    """The server says 503 while its database is busy: then nothing was made."""
    at = (scheduled or datetime.now(UTC)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
    httpx.post(
        f"{api}/deployments/{deployment}/create_flow_run",
        json={"state": state, "parameters": given},
        timeout=60,
    ).raise_for_status()


def sayagain(environment: dict[str, str], *words: str, said: str = "") -> bytes:
    """What the command prints."""
    command = [sys.executable, "-m", "flows", *words, "--home", environment["SAYAGAIN_HOME"]]
    return subprocess.run(
        command, env=environment, cwd=ROOT, input=said.encode(), capture_output=True, check=True
    ).stdout


@pytest.fixture
def deployed(
    server, tmp_path
) -> Iterator[tuple[dict[str, str], str, str, subprocess.Popen[bytes]]]:
    """The deployments of prefect.yaml, and a worker: (environment, API, id of the nightly one, worker)."""
    environment, api, _process = server
    shell = {"env": environment, "cwd": ROOT, "capture_output": True}
    subprocess.run(
        [*prefect(), "work-pool", "create", "sayagain", "--type", "process"], check=True, **shell
    )
    subprocess.run([*prefect(), "--no-prompt", "deploy", "--all"], check=True, **shell)
    nightly = httpx.get(f"{api}/deployments/name/learn/nightly", timeout=10).json()
    assert nightly["schedules"][0]["schedule"]["cron"] == "0 3 * * *"
    worker = subprocess.Popen(
        [*prefect(), "worker", "start", "--pool", "sayagain"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield environment, api, nightly["id"], worker
    finally:
        worker.terminate()
        worker.wait(60)


def test_a_night_that_pays_ends_in_a_promotion_unless_held_and_can_be_rolled_back(
    deployed, small_world, tmp_path
):
    environment, api, nightly, worker = deployed
    sayagain(environment, "retrain", "--seed-data", environment["SAYAGAIN_SEED"])
    home = Home(Path(environment["SAYAGAIN_HOME"]))
    first = store.champion(home)
    with gzip.open(small_world / "test.jsonl.gz", "rt") as rows:
        said = rows.read()
    answered = sayagain(environment, "predict", said=said)
    sayagain(environment, "hold", "--because", "a holiday")

    run_now(api, nightly)
    (night,) = wait_for("held night", lambda: done(api, "learn"), worker)
    assert night["state_type"] == "COMPLETED"
    (decided,) = Lake(home.lake).read("decisions").to_dicts()
    assert (decided["retrain"], decided["because"][0]) == (False, "held by a person: a holiday")
    assert Lake(home.lake).read("outbox").is_empty()
    assert len(runs_of(api, "retrain")) == 1  # the first, of seed data alone

    sayagain(environment, "hold", "--release")
    run_now(api, nightly)
    (retraining,) = wait_for("retraining", lambda: deployed_runs(api, "retrain"), worker)
    (decided,) = Lake(home.lake).read("decisions").to_dicts()
    (message,) = Lake(home.lake).read("outbox").to_dicts()
    assert decided["retrain"]
    assert (message["version"], message["status"]) == (decided["version"], "told")
    sent = {"filter": {"event": {"name": ["sayagain.retraining.due"]}}}
    (event,) = httpx.post(f"{api}/events/filter", json=sent, timeout=10).json()["events"]
    assert event["id"] == message["answer"].removeprefix("event ")
    assert event["payload"]["training_set"] == decided["version"]

    assert retraining["state_type"] == "COMPLETED"
    assert retraining["parameters"]["home"] == environment["SAYAGAIN_HOME"]
    promoted = store.champion(home)
    assert promoted != first
    assert store.about(home, promoted)["training_set"] == decided["version"]
    assert sayagain(environment, "predict", said=said) != answered
    sayagain(environment, "rollback")
    assert store.champion(home) == first
    assert sayagain(environment, "predict", said=said) == answered

    for day in (5, 6):
        write_log(tmp_path / f"2026-01-{day:02}.jsonl", [turn("ann", 86_400 * (day - 5), "hi")])
    late = {"home": str(tmp_path / "late"), "logs": [str(tmp_path / "{day}.jsonl")]}
    scheduled = datetime(2026, 1, 7, 3, tzinfo=UTC)  # the worker was down since
    run_now(api, nightly, scheduled, **late)
    run_now(api, nightly, scheduled - timedelta(days=1), **late)
    wait_for("late nights", lambda: len(done(api, "learn")) == 4, worker)
    told = Lake(tmp_path / "late" / "lake").read("runs")
    assert set(told.select("night", "status").iter_rows()) == {
        ("2026-01-05", "completed"),
        ("2026-01-06", "completed"),
    }

    tasks = httpx.post(f"{api}/task_runs/filter", json={}, timeout=10).json()
    names = {t["name"].rsplit("-", 1)[0] for t in tasks}
    assert {
        "take-in",
        "label-utterances",
        "post-messages",
        "publish-warehouse",
        "challenge",
    } <= names
    artifacts = httpx.post(f"{api}/artifacts/filter", json={}, timeout=10).json()
    assert {a["key"] for a in artifacts} == {"sayagain-night"}


def test_the_command_line_runs_through_a_server_that_is_set(server, tmp_path, small_world):
    environment, api, _ = server
    (tmp_path / "broken.jsonl").write_text("{\n")
    command = [
        sys.executable,
        "-m",
        "flows",
        "run",
        str(tmp_path / "broken.jsonl"),
        "--home",
        environment["SAYAGAIN_HOME"],
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "row 1, field row: is not JSON" in ended.stderr
    (night,) = runs_of(api, "learn")
    assert night["state_type"] == "FAILED"
    (tried,) = httpx.post(f"{api}/task_runs/filter", json={}, timeout=10).json()
    assert tried["run_count"] == 1


ANSWERING = """
from pathlib import Path
from prefect import flow

@flow
def answer(folder: str) -> None:
    asked = (Path(folder) / "ask.jsonl").read_text().splitlines()
    row = '{"labels": [{"label": "lamp", "probability": 0.75}]}\\n'
    (Path(folder) / "answers.jsonl").write_text(row * len(asked))

if __name__ == "__main__":
    answer.serve(name="gpu")
"""


def test_a_deployment_is_a_program(server, tmp_path):
    environment, api, _ = server
    (tmp_path / "answering.py").write_text(ANSWERING)
    serving = subprocess.Popen(
        [sys.executable, str(tmp_path / "answering.py")],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ask = (
        "from pathlib import Path; from flows.programs import DeploymentProgram;"
        "from retrain.training.program import asked;"
        f"print(asked(DeploymentProgram('answer/gpu', 120.0), Path({str(tmp_path)!r}), ['a', 'b']))"
    )
    try:
        wait_for("deployment", lambda: answers(f"{api}/deployments/name/answer/gpu"), serving)
        ended = subprocess.run(
            [sys.executable, "-c", ask],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        serving.terminate()
        serving.wait(30)
    assert ended.stdout.strip() == "[{'lamp': 0.75}, {'lamp': 0.75}]", ended.stderr


def test_steps_that_bad_input_broke_are_not_tried_again():
    from prefect.states import Failed, exception_to_failed_state

    from flows.deployments import _may_pass
    from warehouse.errors import BadInput

    def failed(error: Exception) -> Failed:
        return asyncio.run(exception_to_failed_state(error))

    assert not _may_pass(None, None, failed(BadInput("x")))
    assert _may_pass(None, None, failed(OSError("x")))
