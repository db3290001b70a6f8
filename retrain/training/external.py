"""The user's own trainer in the place of the reference one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from retrain.training.data import TrainingData, parts
from retrain.training.model import Model, outside_model
from retrain.training.program import FAINT, Outside, Program, asked, scored
from retrain.training.solver import Floats


@dataclass(frozen=True)
class OutsideTrainer:
    """The program in the place of the reference trainer; its models lie in `place` until they are kept."""

    program: Program
    place: Path

    def cross_fit(self, taught: TrainingData, cases: pl.DataFrame) -> tuple[Model, Floats]:
        said = cases["utterance"].to_list()
        scores = np.full((len(cases), len(taught.labels)), np.log(FAINT))
        for number, (rest, here) in enumerate(parts(taught, said)):
            ask = [u for u, chosen in zip(said, here, strict=True) if chosen]
            answers = self._taught(taught.of(rest), ask, f"fold-{number}")
            scores[here] = scored(answers, taught.labels)
        self._taught(taught, [], "whole")
        own = Outside(self.place / "whole" / "model", self.program.name, self.program)
        return outside_model(taught.labels, own), scores

    def _taught(self, taught: TrainingData, ask: list[str], name: str) -> list[dict[str, float]]:
        folder = self.place / name
        (folder / "model").mkdir(parents=True)
        with (folder / "lesson.jsonl").open("w", encoding="utf8") as lines:
            for row in _rows(taught):
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        return asked(self.program, folder, ask)


def _rows(taught: TrainingData) -> Iterator[dict[str, Any]]:
    row: csr_matrix
    for utterance, weight, row in zip(
        taught.wordings, taught.weights.tolist(), taught.shares, strict=True
    ):
        yield {
            "utterance": utterance,
            "labels": [taught.labels[i] for i in row.indices],
            "probabilities": [round(p, 6) for p in row.data.tolist()],
            "weight": round(weight, 6),
        }
