"""The reference intent model: a folder of plain numbers, read without unpickling anything.

model.json       labels, sharpness, the shape and the hash of the weights
weights.npz      features (hashed n-grams), weights and offsets
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import HashingVectorizer

from warehouse.errors import BadInput

FORMAT = 1
BUCKETS = 2**18

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

_CHARACTERS = HashingVectorizer(
    analyzer="char_wb", ngram_range=(2, 4), n_features=BUCKETS, norm=None, alternate_sign=False
)
_WORDS = HashingVectorizer(
    token_pattern=r"\S+", ngram_range=(1, 2), n_features=BUCKETS, norm=None, alternate_sign=False
)


def grams(wordings: list[str]) -> csr_matrix:
    """wordings x hashed character and word n-grams, damped counts, unit length for each kind."""
    return hstack([_damped(_CHARACTERS, wordings), _damped(_WORDS, wordings)]).tocsr()


def _damped(counts: HashingVectorizer, wordings: list[str]) -> csr_matrix:
    rows = counts.transform(wordings).tocsr()
    rows.data = 1 + np.log(rows.data)
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = 1 / np.maximum(length, 1e-12)
    return csr_matrix(
        (rows.data * np.repeat(scale, np.diff(rows.indptr)), rows.indices, rows.indptr), rows.shape
    )


@dataclass(frozen=True)
class Model:
    """Scores of `labels` are `grams[:, features] @ weights + offsets`; sharper where sure."""

    labels: list[str]
    features: Indices
    weights: Weights
    offsets: Weights
    sharpness: float

    def scores(self, wordings: list[str]) -> Floats:
        """wordings x labels."""
        read = grams(wordings)[:, self.features] @ self.weights
        return np.asarray(read + self.offsets, np.float64)

    def probabilities(self, wordings: list[str]) -> Floats:
        """wordings x labels, rows sum to 1."""
        return np.asarray(softmax(self.sharpness * self.scores(wordings), axis=1))

    def best(self, wordings: list[str]) -> list[str]:
        """The best label of each wording."""
        return [self.labels[i] for i in self.scores(wordings).argmax(axis=1)] if wordings else []


def save(model: Model, folder: Path, about: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, features=model.features, weights=model.weights, offsets=model.offsets)
    packed = buffer.getvalue()
    (folder / "weights.npz").write_bytes(packed)
    facts = {
        "format": FORMAT,
        "labels": model.labels,
        "sharpness": model.sharpness,
        "weights": _digest(packed),
        **about,
    }
    (folder / "model.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False))


def load(folder: Path) -> Model:
    """The model of a folder; BadInput where it is damaged, or newer than this program."""
    try:
        facts = json.loads((folder / "model.json").read_text())
        packed = (folder / "weights.npz").read_bytes()
        if facts["format"] > FORMAT:
            raise BadInput(f"{folder}: was made by a newer sayagain; update sayagain")
        if _digest(packed) != facts["weights"]:
            raise BadInput(f"{folder}/weights.npz: is not what was saved; restore it, or retrain")
        with np.load(io.BytesIO(packed), allow_pickle=False) as held:
            arrays = {k: held[k] for k in ("features", "weights", "offsets")}
        return Model(list(facts["labels"]), sharpness=float(facts["sharpness"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder}: cannot be read as a model ({error}); retrain") from None


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
