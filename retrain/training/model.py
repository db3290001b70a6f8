"""The reference intent model: a folder of plain numbers, read without unpickling anything.

model.json       labels, sharpness, and the hashes of all other files
weights.npz      features (hashed n-grams), weights, offsets, weights of the meaning, and the centres of locales
slots.npz        the tagger of slots, where any were taught
encoder/         the encoder of the meaning, where the log taught it; one that is set is known by its version
outside/         a model of the user's own in their place, which their program reads
before/          the model whose answers are held, where there is one

Notation and constants: docs/method.md, 9.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import softmax

from retrain.slots.tagger import Slot, Tagger, packed_tagger, unpacked_tagger
from retrain.training.program import Outside, Program
from retrain.training.solver import Floats, Indices, Weights, looked_up
from warehouse.common.digests import file_digest
from warehouse.common.ngrams import BUCKETS, hashed
from warehouse.encoders.centres import CentredEncoder, Centres
from warehouse.encoders.encoder import Encoder, Vectors
from warehouse.encoders.transformer import Folder
from warehouse.errors import BadInput

FORMAT = 6
OLDEST = 4  # format that can be read
UNKNOWN = -20.0  # score of a label that a model does not know
MEMORY = 2  # earlier models whose answers are held
ARRAYS = ("features", "weights", "offsets", "meaning")
NO_CENTRES = np.zeros((0, 0), np.float32)

Locales = Sequence[str | None]  # of wordings; None where it is not known


def _nothing() -> Weights:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Helpers:
    """What a model may need that only the settings name: a program that answers in its place, an encoder."""

    program: Program | None = None
    encoder: Encoder | None = None


NO_HELPERS = Helpers()


@dataclass(frozen=True)
class Absent:
    """The encoder that a model was taught with, where the settings name another one, or none."""

    version: str
    size: int = 0

    def embed(self, wordings: list[str]) -> Vectors:
        raise BadInput(
            f"mining.encoder: the model answers by the encoder {self.version}; give --config that names it, or delete"
            " models/champion of the home to begin anew"
        )


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
    encoder: CentredEncoder | None = None
    outside: Outside | None = None
    before: "Model | None" = None
    incumbent_bonus: float = 0.0
    tagger: Tagger | None = None

    def scores(self, wordings: list[str], locales: Locales | None = None) -> Floats:
        """wordings x labels."""
        asked = Asked(wordings, locales or [None] * len(wordings), hashed(wordings))
        return self._scores(asked)

    def _scores(self, asked: "Asked") -> Floats:
        if self.outside:
            read = self.outside.scores(asked.wordings, self.labels)
        else:
            vectors = asked.vectors(self.encoder) if self.encoder else None
            read = self.own_scores(asked.grams, vectors)
        if self.before and self.incumbent_bonus:
            place = {label: i for i, label in enumerate(self.labels)}
            column = np.array([place.get(label, -1) for label in self.before.labels], np.int64)
            answers = self.before._scores(asked).argmax(axis=1)
            read = loyal(read, column[answers], self.incumbent_bonus)
        return read

    def own_scores(self, seen: csr_matrix, vectors: Weights | None) -> Floats:
        """wordings x labels, by n-grams and vectors alone: nothing is held."""
        read = looked_up(seen, self.features, self.weights) + self.offsets
        return read if vectors is None or not len(vectors) else read + vectors @ self.meaning

    def scores_of(
        self, wordings: list[str], labels: list[str], locales: Locales | None = None
    ) -> Floats:
        """wordings x `labels`, UNKNOWN where the model does not know one."""
        return aligned(self.scores(wordings, locales), self.labels, labels)

    def probabilities(self, wordings: list[str], locales: Locales | None = None) -> Floats:
        """wordings x labels, rows sum to 1."""
        return np.asarray(softmax(self.sharpness * self.scores(wordings, locales), axis=1))

    def best(self, wordings: list[str], locales: Locales | None = None) -> list[str]:
        """The best label of each wording."""
        if not wordings:
            return []
        return [self.labels[i] for i in self.scores(wordings, locales).argmax(axis=1)]

    def slots(self, wordings: list[str], intents: list[str]) -> list[list[Slot]]:
        """The slots of each wording under its intent; none without a tagger. Those of the model that served before stay, unless others
        are clearly ahead."""
        if self.tagger is None:
            return [[] for _ in wordings]
        held = self.before.slots(wordings, intents) if self.before and self.before.tagger else ()
        return self.tagger.slots(wordings, intents, held)

    @property
    def can_answer(self) -> bool:
        """Whether the program and the encoder that it needs are there."""
        own = self.outside is None or self.outside.program is not None
        reads = self.encoder is None or not isinstance(self.encoder.encoder, Absent)
        return own and reads and (self.before is None or self.before.can_answer)

    @property
    def mib(self) -> float:
        """The size of its folder, about, and of the encoder that is set, once."""
        models = list(self._chain())
        own = sum(getattr(m, name).nbytes for m in models for name in ARRAYS)
        own += sum(encoder.size for encoder in {m.encoder.encoder for m in models if m.encoder})
        own += sum(m.outside.size for m in models if m.outside)
        own += sum(m.tagger.size for m in models if m.tagger)
        return float(own) / 2**20

    def _chain(self) -> Iterator["Model"]:
        """The model, and those whose answers are held."""
        yield self
        if self.before:
            yield from self.before._chain()

    def may_hold(self, before: "Model") -> bool:
        """Whether it can hold the answers of the one `before`: a small model must not need that one's encoder."""
        return self.encoder is not None or all(m.encoder is None for m in before._chain())

    def after(self, before: "Model", incumbent_bonus: float) -> "Model":
        """The model with the answers of the one `before` held, and its slots; those of MEMORY models are remembered."""
        if incumbent_bonus == 0 and not (self.tagger and before.tagger):
            return self
        return replace(
            self, before=_forgetting(before, MEMORY - 1), incumbent_bonus=incumbent_bonus
        )


@dataclass(frozen=True)
class Asked:
    """Wordings to be scored, embedded once by each encoder."""

    wordings: list[str]
    locales: Locales
    grams: csr_matrix
    embedded: dict[Encoder, Vectors] = field(default_factory=dict)

    def vectors(self, by: CentredEncoder) -> Vectors:
        if by.encoder not in self.embedded:
            self.embedded[by.encoder] = by.encoder.embed(self.wordings)
        return by.placed(self.embedded[by.encoder], self.locales)


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
    arrays = {name: getattr(model, name) for name in ARRAYS}
    centres = model.encoder.centres if model.encoder else None
    np.savez(buffer, centres=centres.of if centres else NO_CENTRES, **arrays)
    packed = buffer.getvalue()
    folder.mkdir(exist_ok=True)
    (folder / "weights.npz").write_bytes(packed)
    if model.tagger:
        (folder / "slots.npz").write_bytes(slots := packed_tagger(model.tagger))
    encoder = model.encoder.encoder if model.encoder else None
    taught = encoder if isinstance(encoder, Folder) else None
    if taught:
        shutil.copytree(taught.folder, folder / "encoder")
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
        "slots": _digest(slots) if model.tagger else None,
        "encoder": taught.digests() if taught else None,
        "named_encoder": encoder.version if encoder and not taught else None,
        "locales": list(centres.locales) if centres else [],
        "outside": model.outside.digests() if model.outside else None,
        "program": model.outside.made_by if model.outside else None,
        "before_model": file_digest(folder / "before" / "model.json") if model.before else None,
        **about,
    }
    (folder / "model.json").write_text(
        json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf8"
    )


def load(folder: Path, helpers: Helpers = NO_HELPERS) -> Model:
    """The model of a folder; BadInput where it is damaged, or of another version of this program. A program or an
    encoder beside the model is one that the settings name, never the folder."""
    try:
        facts = json.loads((folder / "model.json").read_text(encoding="utf8"))
        if facts["format"] > FORMAT:
            raise BadInput(f"{folder}: was made by a newer sayagain; update sayagain")
        if facts["format"] < OLDEST:
            raise BadInput(
                f"{folder}: was made by an older sayagain; delete {folder.parent}/champion, and retrain"
            )
        packed = (folder / "weights.npz").read_bytes()
        taught = Folder(folder / "encoder") if facts["encoder"] else None
        outside = _outside(folder, facts, helpers.program)
        before = folder / "before" if facts["before_model"] else None
        slots = (folder / "slots.npz").read_bytes() if facts.get("slots") else None
        _same(folder / "weights.npz", _digest(packed), facts["weights"])
        if slots:
            _same(folder / "slots.npz", _digest(slots), facts["slots"])
        if taught:
            _same(taught.folder, taught.digests(), facts["encoder"])
        if outside is not None:
            _same(outside.folder, outside.digests(), facts["outside"])
        if before:
            _same(before, file_digest(before / "model.json"), facts["before_model"])
        with np.load(io.BytesIO(packed), allow_pickle=False) as held:
            arrays = {name: held[name] for name in ARRAYS}
            centres = held.get("centres", NO_CENTRES)
        labels = [str(label) for label in facts["labels"]]
        _fits(folder, arrays, len(labels))
        return Model(
            labels,
            sharpness=float(facts["sharpness"]),
            encoder=_encoder(
                folder, facts, taught or _named(facts, helpers), centres, arrays["meaning"]
            ),
            outside=outside,
            before=load(before, helpers) if before else None,
            incumbent_bonus=float(facts["incumbent_bonus"]),
            tagger=unpacked_tagger(slots) if slots else None,
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{folder}: cannot be read as a model ({error}); retrain") from None


def _named(facts: dict[str, Any], helpers: Helpers) -> Encoder | None:
    """The encoder that is set, where the model was taught with it."""
    version = facts.get("named_encoder")
    if version is None:
        return None
    mine = helpers.encoder
    return mine if mine and mine.version == version else Absent(str(version))


def _encoder(
    folder: Path, facts: dict[str, Any], encoder: Encoder | None, centres: Weights, meaning: Weights
) -> CentredEncoder | None:
    if encoder is None:
        return None
    locales = tuple(str(name) for name in facts.get("locales", []))
    wide = centres.ndim == 2 and (not len(centres) or centres.shape[1] == meaning.shape[0])
    if not wide or centres.dtype != np.float32 or len(centres) not in (0, len(locales) + 1):
        raise BadInput(f"{folder}/weights.npz: does not fit model.json; restore it, or retrain")
    return CentredEncoder(encoder, Centres(locales, centres) if len(centres) else None)


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
