"""The reference intent model: a folder of plain numbers, read without unpickling anything.

model.json       labels, sharpness, and the hashes of all other files
weights.npz      features (hashed n-grams), weights, offsets, and weights of the meaning
encoder/         the encoder of the meaning, where there is one
outside/         a model of the user's own in their place, which their program reads
before/          the model whose answers are held, where there is one

Notation and constants: docs/method.md, 9.
"""

import hashlib
import io
import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import softmax

from retrain.training.encoder import Encoder
from retrain.training.program import Outside, Program
from warehouse.common.ngrams import BUCKETS, hashed
from warehouse.errors import BadInput
from warehouse.ledger import file_digest

FORMAT = 4
UNKNOWN = -20.0  # score of a label that a model does not know
MEMORY = 2  # earlier models whose answers are held
ARRAYS = ("features", "weights", "offsets", "meaning")

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


def _nothing() -> Weights:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Model:
    """Scores of `labels` are `grams[:, features] @ weights + offsets`, where there is an encoder
    `embeddings @ meaning` more, and `incumbent_bonus` more for the answer of the model that served before: it
    stays, unless another one is ahead of it by that much. `sharpness` turns scores into log odds. Where the
    model is the user's own, `outside` scores in their place."""

    labels: list[str]
    features: Indices
    weights: Weights
    offsets: Weights
    sharpness: float = 1.0
    meaning: Weights = field(default_factory=_nothing)
    encoder: Encoder | None = None
    outside: Outside | None = None
    before: "Model | None" = None
    incumbent_bonus: float = 0.0

    def scores(self, wordings: list[str]) -> Floats:
        """wordings x labels."""
        return self._scores(wordings, hashed(wordings))

    def _scores(self, wordings: list[str], seen: csr_matrix) -> Floats:
        if self.outside:
            read = self.outside.scores(wordings, self.labels)
        else:
            read = self.own_scores(seen, self.encoder.embed(wordings) if self.encoder else None)
        if self.before:
            place = {label: i for i, label in enumerate(self.labels)}
            column = np.array([place.get(label, -1) for label in self.before.labels], np.int64)
            answers = self.before._scores(wordings, seen).argmax(axis=1)
            read = loyal(read, column[answers], self.incumbent_bonus)
        return read

    def own_scores(self, seen: csr_matrix, vectors: Weights | None) -> Floats:
        """wordings x labels, by n-grams and vectors alone: nothing is held."""
        read = np.asarray(seen[:, self.features] @ self.weights + self.offsets, np.float64)
        return read if vectors is None else read + vectors @ self.meaning

    def scores_of(self, wordings: list[str], labels: list[str]) -> Floats:
        """wordings x `labels`, UNKNOWN where the model does not know one."""
        return aligned(self.scores(wordings), self.labels, labels)

    def probabilities(self, wordings: list[str]) -> Floats:
        """wordings x labels, rows sum to 1."""
        return np.asarray(softmax(self.sharpness * self.scores(wordings), axis=1))

    def best(self, wordings: list[str]) -> list[str]:
        """The best label of each wording."""
        return [self.labels[i] for i in self.scores(wordings).argmax(axis=1)] if wordings else []

    @property
    def can_answer(self) -> bool:
        """Whether the programs that it needs are there."""
        own = self.outside is None or self.outside.program is not None
        return own and (self.before is None or self.before.can_answer)

    @property
    def mib(self) -> float:
        """The size of its folder, about."""
        own = sum(getattr(self, name).nbytes for name in ARRAYS)
        own += sum(part.size for part in (self.encoder, self.outside) if part)
        return float(own) / 2**20 + (self.before.mib if self.before else 0.0)

    def after(self, before: "Model", incumbent_bonus: float) -> "Model":
        """The model with the answers of the one `before` held; those of MEMORY models are remembered."""
        if incumbent_bonus == 0:
            return self
        return replace(
            self, before=_forgetting(before, MEMORY - 1), incumbent_bonus=incumbent_bonus
        )


def outside_model(labels: list[str], outside: Outside) -> Model:
    """A model of the user's own."""
    nothing = np.zeros((0, len(labels)), np.float32)
    offsets = np.zeros(len(labels), np.float32)
    return Model(labels, np.zeros(0, np.int64), nothing, offsets, outside=outside)


def _forgetting(model: Model, memory: int) -> Model:
    if model.before is None or memory == 0:
        return replace(model, before=None)
    return replace(model, before=_forgetting(model.before, memory - 1))


def loyal(scores: Floats, answers: Indices, incumbent_bonus: float) -> Floats:
    """The scores (wordings x labels) with `incumbent_bonus` more for the answer of each wording, if it has one: a
    column, or -1."""
    held = scores.copy()
    rows = np.flatnonzero(answers >= 0)
    held[rows, answers[rows]] += incumbent_bonus
    return held


def aligned(scores: Floats, labels: list[str], wanted: list[str]) -> Floats:
    """The columns of `wanted` labels, UNKNOWN where there is none."""
    made = np.full((len(scores), len(wanted)), UNKNOWN)
    place = {label: i for i, label in enumerate(labels)}
    known = [i for i, label in enumerate(wanted) if label in place]
    made[:, known] = scores[:, [place[wanted[i]] for i in known]]
    return made


def save(model: Model, folder: Path, about: dict[str, Any]) -> None:
    """Write the model, and in `before/` the one whose answers it holds."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: getattr(model, name) for name in ARRAYS})
    packed = buffer.getvalue()
    folder.mkdir(exist_ok=True)
    (folder / "weights.npz").write_bytes(packed)
    if model.encoder:
        shutil.copytree(model.encoder.folder, folder / "encoder")
    if model.outside:
        shutil.copytree(model.outside.folder, folder / "outside")
    if model.before:
        save(model.before, folder / "before", {})
    facts = {
        "format": FORMAT,
        "labels": model.labels,
        "sharpness": model.sharpness,
        "incumbent_bonus": model.incumbent_bonus,
        "weights": _digest(packed),
        "encoder": model.encoder.digests() if model.encoder else None,
        "outside": model.outside.digests() if model.outside else None,
        "program": model.outside.made_by if model.outside else None,
        "before_model": file_digest(folder / "before" / "model.json") if model.before else None,
        **about,
    }
    (folder / "model.json").write_text(
        json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf8"
    )


def load(folder: Path, program: Program | None = None) -> Model:
    """The model of a folder; BadInput where it is damaged, or of another version of this program. One of
    the user's own is read by their `program`, which the settings name, never the folder."""
    try:
        facts = json.loads((folder / "model.json").read_text(encoding="utf8"))
        if facts["format"] > FORMAT:
            raise BadInput(f"{folder}: was made by a newer sayagain; update sayagain")
        if facts["format"] < FORMAT:
            raise BadInput(
                f"{folder}: was made by an older sayagain; delete {folder.parent}/champion, and retrain"
            )
        packed = (folder / "weights.npz").read_bytes()
        encoder = Encoder(folder / "encoder") if facts["encoder"] else None
        outside = _outside(folder, facts, program)
        before = folder / "before" if facts["before_model"] else None
        _same(folder / "weights.npz", _digest(packed), facts["weights"])
        if encoder:
            _same(encoder.folder, encoder.digests(), facts["encoder"])
        if outside is not None:
            _same(outside.folder, outside.digests(), facts["outside"])
        if before:
            _same(before, file_digest(before / "model.json"), facts["before_model"])
        with np.load(io.BytesIO(packed), allow_pickle=False) as held:
            arrays = {name: held[name] for name in ARRAYS}
        labels = [str(label) for label in facts["labels"]]
        _fits(folder, arrays, len(labels))
        return Model(
            labels,
            sharpness=float(facts["sharpness"]),
            encoder=encoder,
            outside=outside,
            before=load(before, program) if before else None,
            incumbent_bonus=float(facts["incumbent_bonus"]),
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{folder}: cannot be read as a model ({error}); retrain") from None


def _outside(folder: Path, facts: dict[str, Any], program: Program | None) -> Outside | None:
    """Without the program that made it, the model cannot answer."""
    if facts["outside"] is None:
        return None
    made_by = str(facts["program"])
    mine = program if program and program.name == made_by else None
    return Outside(folder / "outside", made_by, mine)


def _fits(folder: Path, arrays: dict[str, npt.NDArray[Any]], labels: int) -> None:
    features, meaning = arrays["features"], arrays["meaning"]
    shapes = (
        arrays["weights"].shape == (len(features), labels),
        arrays["offsets"].shape == (labels,),
    )
    inside = features.dtype == np.int64 and ((features >= 0) & (features < 2 * BUCKETS)).all()
    if not (all(shapes) and inside and meaning.ndim == 2 and meaning.shape[1] in (0, labels)):
        raise BadInput(f"{folder}/weights.npz: does not fit model.json; restore it, or retrain")


def _same(place: Path, found: object, kept: object) -> None:
    if found != kept:
        raise BadInput(f"{place}: is not what was saved; restore it, or retrain")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
