"""The user's own trainer and teacher, as the settings name them."""

from dataclasses import dataclass
from pathlib import Path

from flows.settings import Settings
from retrain.training.program import CommandProgram, Program
from warehouse.common.digests import file_digest
from warehouse.errors import BadInput


@dataclass(frozen=True)
class DeploymentProgram:
    """A Prefect deployment with a parameter `folder`, on machines that see the same files."""

    name: str
    seconds: float

    def __call__(self, folder: Path) -> None:
        from prefect.deployments import run_deployment

        run = run_deployment(self.name, parameters={"folder": str(folder)}, timeout=self.seconds)
        state = run.state  # type: ignore[union-attr]
        if state is None or not state.is_completed():
            raise BadInput(f"{self.name}: {state.name if state else 'did not start'}, on {folder}")


def trainer(settings: Settings) -> Program | None:
    """What trains and answers in the place of the reference trainer, if anything does."""
    asked = settings.trainer
    if asked.command:
        return CommandProgram(asked.command, asked.seconds)
    return DeploymentProgram(asked.deployment, asked.seconds) if asked.deployment else None


def files(settings: Settings) -> list[str]:
    """Hashes of what the commands name that is a file: a changed program trains anew."""
    words = (Path(word) for word in (*settings.trainer.command, *settings.trainer.teacher))
    return [file_digest(word) for word in words if word.is_file()]


def teacher(settings: Settings) -> Program | None:
    """What answers for the wordings of a training set, if anything does."""
    asked = settings.trainer
    return CommandProgram(asked.teacher, asked.seconds) if asked.teacher else None
