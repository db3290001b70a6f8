"""Predictions of the champion for lines of stdin."""

import json
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from retrain.registry import store
from retrain.training.model import Model
from retrain.training.program import Program
from warehouse.errors import BadInput
from warehouse.home import existing

BATCH = 1_000


class Line(msgspec.Struct):
    """A line of JSON: what to label."""

    utterance: str
    locale: str | None = None


def answers(
    root: Path, lines: BinaryIO, best: int, program: Program | None = None
) -> Iterator[str]:
    """A JSON line for each line of input: the utterance and its `best` labels, best first; a `program` of
    the user's answers for a model of theirs."""
    home = existing(root)
    version = store.champion(home)
    if version is None:
        raise BadInput(f"{root}: has no champion yet; `sayagain retrain --home {root}` trains one")
    model = store.fetch(home, version, program)
    asked = (_asked(number, line) for number, line in enumerate(lines, 1))
    while batch := list(islice(asked, BATCH)):
        yield from _labelled(model, batch, best)


def _asked(number: int, line: bytes) -> str:
    try:
        if line.lstrip().startswith(b"{"):
            return msgspec.json.decode(line, type=Line).utterance
        return line.decode("utf8").rstrip("\r\n")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(
            f'stdin, line {number}: {error}; write a plain line, or {{"utterance": "..."}}'
        ) from None


def _labelled(model: Model, utterances: Iterable[str], best: int) -> Iterator[str]:
    wordings = list(utterances)
    probabilities = model.probabilities([unicodedata.normalize("NFC", u) for u in wordings])
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :best]
    for utterance, row, places in zip(wordings, probabilities, order, strict=True):
        labels = [
            {"label": model.labels[i], "probability": round(float(row[i]), 4)} for i in places
        ]
        yield json.dumps({"utterance": utterance, "labels": labels}, ensure_ascii=False)
