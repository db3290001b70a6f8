"""A model of the user's own: trained and asked by a program of theirs, over files in a folder.

    lesson.jsonl    what to learn: utterance, labels, probabilities, weight; missing where nothing is to be
    ask.jsonl       what to answer: utterance
    model/          written by the program where there is a lesson, read by it where there is none
    answers.jsonl   written by it, a line for each of ask.jsonl: {"labels": [{"label", "probability"}]}

A teacher is such a program without lessons.

Notation and constants: docs/method.md, 9.
"""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from retrain.delivery import commands
from warehouse.common.digests import digest, digests
from warehouse.errors import BadInput

FAINT = 1e-6  # probability of a label that an answer does not name
MOST = 1.001  # that the probabilities of an answer sum to


class Program(Protocol):
    """Whatever works on a folder: a command, a Prefect deployment. `name` tells it from others."""

    @property
    def name(self) -> str: ...

    def __call__(self, folder: Path) -> None:
        """Learn the folder's lesson, if it has one, and answer what it asks. Raises BadInput."""


@dataclass(frozen=True)
class CommandProgram:
    """A command that is given the folder as its last word."""

    words: list[str]
    seconds: float

    @property
    def name(self) -> str:
        return digest(self.words)

    def __call__(self, folder: Path) -> None:
        try:
            code = commands.run([*self.words, str(folder)], self.seconds)
        except subprocess.TimeoutExpired:
            raise BadInput(f"{self.words[0]}: did not end in {self.seconds:.0f} s") from None
        except OSError as error:
            raise BadInput(f"{self.words[0]}: cannot be run ({error.strerror})") from None
        if code:
            raise BadInput(f"{self.words[0]}: ended with {code} on {folder}")


class _Named(msgspec.Struct):
    label: str
    probability: Annotated[float, msgspec.Meta(ge=0, le=MOST)]


class _Answer(msgspec.Struct):
    labels: list[_Named]


@dataclass(frozen=True)
class Outside:
    """A model that a program keeps in `folder` (its `model/`). Without the `program`, whose name is
    `made_by`, it cannot answer."""

    folder: Path
    made_by: str
    program: Program | None

    def scores(self, wordings: list[str], labels: list[str]) -> npt.NDArray[np.float64]:
        """wordings x labels, log probabilities."""
        if not wordings:
            return np.zeros((0, len(labels)))
        if self.program is None:
            raise BadInput(
                f"{self.folder}: answers by the program that made it; give --config that names it, or"
                " delete models/champion of the home to begin anew"
            )
        with tempfile.TemporaryDirectory(prefix="sayagain-") as place:
            shutil.copytree(self.folder, Path(place) / "model")
            return scored(asked(self.program, Path(place), wordings), labels)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(f.stat().st_size for f in self.folder.rglob("*") if f.is_file())

    def digests(self) -> dict[str, str]:
        return digests(self.folder)


def asked(program: Program, folder: Path, wordings: list[str]) -> list[dict[str, float]]:
    """What the program answers, a mapping of labels for each wording."""
    lines = (json.dumps({"utterance": u}, ensure_ascii=False) for u in wordings)
    (folder / "ask.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf8")
    program(folder)
    return _answers(folder / "answers.jsonl", len(wordings))


def scored(answers: list[dict[str, float]], labels: list[str]) -> npt.NDArray[np.float64]:
    """wordings x labels, log probabilities."""
    rows = [[max(answer.get(label, 0.0), FAINT) for label in labels] for answer in answers]
    return np.log(np.array(rows, np.float64).reshape(len(answers), len(labels)))


def _answers(place: Path, many: int) -> list[dict[str, float]]:
    found = []
    try:
        with place.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                answer = msgspec.json.decode(line, type=_Answer)
                found.append({a.label: a.probability for a in answer.labels})
                if sum(found[-1].values()) > MOST:
                    raise BadInput(f"{place}, row {number}: its probabilities sum to more than 1")
    except OSError as error:
        raise BadInput(f"{place}: was not written ({error.strerror})") from None
    except msgspec.MsgspecError as error:
        raise BadInput(
            f"{place}, row {len(found) + 1}: {error}; a row is"
            ' {"labels": [{"label": "...", "probability": 0.9}]}'
        ) from None
    if len(found) != many:
        raise BadInput(f"{place}: has {len(found)} rows, ask.jsonl {many}")
    return found
