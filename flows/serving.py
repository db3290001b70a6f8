"""Predictions of the champion for lines of stdin."""

import json
import unicodedata
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from flows import encoders
from flows.settings import Settings
from mining.ingest.locales import spelled
from retrain.registry import store
from retrain.training.model import Model
from warehouse.errors import BadInput
from warehouse.home import existing

BATCH = 1_000
DEFAULTS = Settings()


class Line(msgspec.Struct):
    """A line of JSON: what to label."""

    utterance: str
    locale: str | None = None


def answers(root: Path, lines: BinaryIO, best: int, settings: Settings = DEFAULTS) -> Iterator[str]:
    """A JSON line for each line of input: the utterance, its `best` labels, best first, and the slots that it has under the first, by
    the characters of the utterance in NFC; the `settings` name what the model may need."""
    home = existing(root)
    version = store.champion(home)
    if version is None:
        raise BadInput(f"{root}: has no champion yet; `sayagain retrain --home {root}` trains one")
    model = store.fetch(home, version, encoders.helpers(home, settings, trace=False))
    asked = (_asked(number, line) for number, line in enumerate(lines, 1))
    while batch := list(islice(asked, BATCH)):
        yield from _labelled(model, batch, best)


def _asked(number: int, line: bytes) -> Line:
    try:
        if line.lstrip().startswith(b"{"):
            return msgspec.json.decode(line, type=Line)
        return Line(line.decode("utf8").rstrip("\r\n"))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(
            f'stdin, line {number}: {error}; write a plain line, or {{"utterance": "..."}}'
        ) from None


def _locale(line: Line) -> str | None:
    """As logs spell it; nothing where it is no locale."""
    try:
        return spelled(line.locale) if line.locale else None
    except ValueError:
        return None


def _labelled(model: Model, asked: list[Line], best: int) -> Iterator[str]:
    wordings = [line.utterance for line in asked]
    said = [unicodedata.normalize("NFC", u) for u in wordings]
    probabilities = model.probabilities(said, [_locale(line) for line in asked])
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :best]
    slots = model.slots(said, [model.labels[places[0]] for places in order])
    for utterance, row, places, tagged in zip(wordings, probabilities, order, slots, strict=True):
        labels = [
            {"label": model.labels[i], "probability": round(float(row[i]), 4)} for i in places
        ]
        answer = {"utterance": utterance, "labels": labels, "slots": [s._asdict() for s in tagged]}
        yield json.dumps(answer, ensure_ascii=False)
