"""The Prefect side: `learn` every night, `retrain` when `learn` says that it pays.

The steps are those of `flows.night` and `flows.retraining`; here each becomes a named task. Results
are small mappings of keys and counts: rows go through the lake.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import httpx
from prefect import events, flow, get_client, get_run_logger, task
from prefect import serve as serve_deployments
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.core import Block
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger, Resource
from prefect.flows import Flow
from prefect.runtime import flow_run
from prefect.utilities.asyncutils import run_coro_as_sync

from flows import runs, settings
from flows.night import Outcome
from flows.pipeline import Result
from retrain.delivery.outbox import Message, UnheardError
from retrain.delivery.receivers import DUE
from warehouse.errors import BadInput

RETRIES = 2
WAIT = 10  # seconds before a step is tried again
PATIENCE = 3600.0  # seconds that a flow waits for another one in the same home


def as_task(step: Callable[..., Result], *args: Any) -> Result:
    """Call a step as a Prefect task named after it. Bad input is not tried again; the rest may pass."""
    wrap = task(
        name=step.__name__.replace("_", "-"),
        retries=RETRIES,
        retry_delay_seconds=WAIT,
        retry_condition_fn=_may_pass,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    result: Result = wrap(step)(*args)
    return result


def tell(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell the notification block of the settings, if any, that a night failed."""
    config = flow_run.parameters.get("config")
    block = settings.load(Path(config) if config else None).alert.block
    if block:
        loaded: Any = Block.load(block)
        told = loaded.notify(f"sayagain: {flow.name} {flow_run.name} failed: {state.message}")
        if told is not None:
            run_coro_as_sync(told)


@flow(name="learn", on_failure=[tell], on_crashed=[tell], validate_parameters=True)
def learn(  # noqa: PLR0913, Prefect reads the parameters from the signature
    home: str,
    logs: list[str] | None = None,
    engine: str = "auto",
    seed_data: str | None = None,
    config: str | None = None,
    day: str | None = None,
    source: str | None = None,
    full: bool = False,  # noqa: FBT001, FBT002, Prefect gives parameters by name
) -> dict[str, Any]:
    """One night: from log to training set, warehouse and decision."""
    chosen = settings.load(_path(config), source)
    outcomes = []
    asked = runs.Asked(day, at=flow_run.scheduled_start_time)  # a late run takes its own night
    for paths, named, missed in runs.nights(logs or [], chosen, asked, Path(home)):
        request = runs.Request(
            paths, Path(home), engine, _path(seed_data), _path(config), named, source, full
        )
        try:
            outcome = runs.run_night(request, chosen, as_task, PATIENCE, {"event": Event()})
        except BadInput as error:
            if not missed:
                raise
            get_run_logger().error("missed night %s: %s", named, error)
            continue
        create_markdown_artifact(_told(outcome), key="sayagain-night", description=outcome.night)
        outcomes.append(outcome)
    return runs.as_dict(outcomes[-1])


@flow(name="retrain", on_failure=[tell], on_crashed=[tell], validate_parameters=True)
def retrain(
    home: str, seed_data: str | None = None, promises: str | None = None, config: str | None = None
) -> dict[str, Any]:
    """Train, compare with the champion, promote or refuse."""
    verdict = runs.run_retraining(
        Path(home),
        settings.load(_path(config)),
        _path(seed_data),
        _path(promises),
        as_task,
        PATIENCE,
    )
    get_run_logger().info("%s", "; ".join(verdict["because"]))
    return verdict


@dataclass(frozen=True)
class Event:
    """A Prefect event, which starts the deployment of `retrain`. The server keeps one of an id for some
    minutes; later, a second retraining by the same training set changes nothing."""

    def tell(self, message: Message) -> str:
        resource = Resource(
            {"prefect.resource.id": f"sayagain.training-set.{message.training_set}"}
        )
        event = events.Event(
            event=DUE,
            resource=resource,
            payload=asdict(message),
            id=uuid5(NAMESPACE_URL, message.message),
        )
        try:
            with get_client(sync_client=True) as client:
                client.request("POST", "/events", json=[event.model_dump(mode="json")])
        except (httpx.HTTPError, RuntimeError) as error:
            raise UnheardError(type(error).__name__) from None
        return f"event {event.id}"


def serve(home: Path, logs: list[str], config: Path | None, cron: str) -> None:
    """Serve both deployments from this process, until it is stopped."""
    chosen = settings.load(config)
    runs.nights(logs, chosen, runs.Asked())
    shared = {"home": str(home.resolve()), "config": str(config.resolve()) if config else None}
    trigger = DeploymentEventTrigger(
        expect={DUE}, parameters={"home": "{{ event.payload.home }}", "config": shared["config"]}
    )
    nightly = learn.to_deployment("nightly", cron=cron, parameters=shared | {"logs": logs or None})
    paying = retrain.to_deployment("when-it-pays", triggers=[trigger], parameters=shared)
    try:
        serve_deployments(cast(RunnerDeployment, nightly), cast(RunnerDeployment, paying))
    except (ConnectionError, RuntimeError) as error:
        raise BadInput(
            f"no Prefect server answers ({error}); start one with `prefect server start`"
        ) from None


def _may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Whether a step that failed may go well the next time."""
    failed = state.result(raise_on_failure=False)
    return not isinstance(failed, BadInput)


def _told(outcome: Outcome) -> str:
    intake = outcome.intake
    rows = [
        ("rows read", intake["read"]),
        ("kept", intake["kept"]),
        ("set aside", intake["set_aside"]),
        *outcome.counts.items(),
        ("training set", outcome.training_set or "none"),
        ("retrain", "yes" if outcome.retrain else "no"),
        *(("because", reason) for reason in outcome.because),
    ]
    lines = [f"# Night {outcome.night}: {outcome.status}", "", "| what | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows)])


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
